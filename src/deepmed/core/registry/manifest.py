"""The signed table of contents of an artefact."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from hashlib import sha256
from typing import Any

from deepmed.kit.errors import IntegrityError, ValidationError

FORMAT = 1


@dataclass(frozen=True)
class FileSum:
    sha256: str
    size: int

    @classmethod
    def of(cls, content: bytes) -> "FileSum":
        return cls(sha256(content).hexdigest(), len(content))


@dataclass(frozen=True)
class Manifest:
    """What an artefact is and holds; its bytes are what is signed."""

    uid: str
    kind: str
    revision: int
    recipe_hash: str
    created_at: str
    reason: str
    """Why this revision was made; empty for the first."""
    files: dict[str, FileSum]
    metrics: dict[str, Any]
    card: dict[str, Any]
    lineage: dict[str, Any]
    provenance: dict[str, Any]
    signed_by: str
    """The fingerprint of the signing key."""

    def to_bytes(self) -> bytes:
        return canonical_json({"format": FORMAT, **asdict(self)})

    @classmethod
    def from_bytes(cls, content: bytes) -> "Manifest":
        """Read a manifest whose signature was checked already.

        Raises:
            IntegrityError: it is of a format that this version does not know.
        """
        fields = json.loads(content)
        if fields.pop("format", None) != FORMAT:
            raise IntegrityError("manifest.json has a format that this version does not know.")
        files = {name: FileSum(**entry) for name, entry in fields.pop("files").items()}
        return cls(files=files, **fields)


@dataclass(frozen=True)
class Package:
    """An artefact as it was read and checked: what it says of itself, and its files."""

    manifest: Manifest
    files: dict[str, bytes]


def sums(files: Mapping[str, bytes]) -> dict[str, FileSum]:
    return {name: FileSum.of(files[name]) for name in sorted(files)}


def canonical_json(value: Any) -> bytes:
    """The same bytes for equal values, whatever the order of their keys.

    Raises:
        ValidationError: something that JSON cannot hold, not-a-number included.
    """
    try:
        text = json.dumps(value, sort_keys=True, indent=1, allow_nan=False, ensure_ascii=False)
    except (TypeError, ValueError) as error:
        raise ValidationError(
            f"The description of an artefact must be plain JSON: {error}. Nothing was stored."
        ) from error
    return text.encode("utf-8")
