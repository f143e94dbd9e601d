"""Which files an artefact may hold: names that stay inside it, formats that carry no code."""

import json
import re
from collections.abc import Callable, Mapping

from deepmed.kit.errors import PathRefusedError, ValidationError

MANIFEST, SIGNATURE = "manifest.json", "manifest.sig"
MOST_CHARACTERS = 200
_PART = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*(?<!\.)\Z")
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\.|\Z)", re.IGNORECASE)


def check_files(files: Mapping[str, bytes], *, leaving: bool = False) -> None:
    """Refuse names that lead elsewhere and contents that are not what their name says.

    Args:
        files: content by name.
        leaving: they were written here for use elsewhere, so formats that are never read here are
            allowed too.

    Raises:
        PathRefusedError: absolute, `..`, reserved, or not portable between file systems.
        ValidationError: no file, a foreign extension, or a content that does not fit it.
    """
    if not files:
        raise ValidationError("An artefact needs at least one file. Nothing was stored.")
    for name, content in files.items():
        check_name(name)
        _check_content(name, content, FORMATS | LEAVING if leaving else FORMATS)
    if len({name.lower() for name in files}) < len(files):
        raise PathRefusedError("Two names differ in case only. Nothing was stored.")


def check_name(name: str) -> None:
    parts = name.split("/")
    plain = all(_PART.match(part) and not _RESERVED.match(part) for part in parts)
    if not plain or len(name) > MOST_CHARACTERS or name.lower() in {MANIFEST, SIGNATURE}:
        raise PathRefusedError(
            f"{name!r} cannot be a file of an artefact: use letters, digits, '.', '_', '-' and "
            f"'/', not {MANIFEST} or {SIGNATURE}. Nothing was stored."
        )
    if _extension(name) not in FORMATS | LEAVING:
        raise ValidationError(
            f"{name!r} cannot be a file of an artefact: only {', '.join(sorted(FORMATS))} are "
            "allowed, because they carry no code. Nothing was stored."
        )


def _check_content(name: str, content: bytes, formats: Mapping[str, "Reader"]) -> None:
    if _extension(name) not in formats:
        raise ValidationError(
            f"{name!r} cannot be taken in: DeepMed writes such files for others and never reads "
            "one. Nothing was stored. Ask for the package in safetensors."
        )
    if not formats[_extension(name)](content):
        raise ValidationError(f"{name!r} does not hold what its name says. Nothing was stored.")


def _extension(name: str) -> str:
    return "." + name.rpartition(".")[2]


def _is_json(content: bytes) -> bool:
    try:
        json.loads(content)
    except ValueError:
        return False
    return True


def _is_text(content: bytes) -> bool:
    try:
        return "\0" not in content.decode("utf-8")
    except UnicodeDecodeError:
        return False


def _is_safetensors(content: bytes) -> bool:
    """Eight bytes of length, then that much of a JSON object."""
    end = 8 + int.from_bytes(content[:8], "little")
    return end <= len(content) and content[8:9] == b"{" and _is_json(content[8:end])


def _is_zip(content: bytes) -> bool:
    return content.startswith(b"PK\x03\x04")


def _is_protobuf(content: bytes) -> bool:
    """An ONNX model begins with its version, a small number in field 1."""
    return content[:1] == b"\x08"


Reader = Callable[[bytes], bool]
FORMATS: dict[str, Reader] = {
    ".csv": _is_text,
    ".json": _is_json,
    ".onnx": _is_protobuf,
    ".safetensors": _is_safetensors,
    ".skops": _is_zip,
}
LEAVING: dict[str, Reader] = {".pt2": _is_zip}
"""Written for use elsewhere and never read here, because their readers run what they hold."""
