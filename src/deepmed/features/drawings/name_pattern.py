"""Metadata that stands in file names: `{subject}_sketch_age{age}_{child_id}`."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import PurePosixPath

from deepmed.kit.errors import ValidationError

_AGE = r"\d{1,3}+(?:[.,]\d{1,20}+)?(?:y\d{1,2}+m?)?(?!\d)"
# What a name in braces fills, and what it may look like; None is any text.
_FIELDS: Mapping[str, tuple[str, str | None]] = {
    "age": ("age_years", _AGE),
    "age_years": ("age_years", _AGE),
    "age_months": ("age_years", r"\d{1,3}+(?!\d)"),
    "subject": ("subject", None),
    "child_id": ("child_id", None),
    "label": ("expert_label", r"(?i:normal|concern|severe)"),
    "tool": ("drawing_tool", None),
}
_TOKEN = re.compile(r"\{(?P<field>\w*)\}|(?P<any>\*)|(?P<literal>[^{}*]+)|(?P<stray>.)", re.DOTALL)
_PICTURE_ENDINGS = (
    *(".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff"),
    *(".webp", ".avif", ".heic", ".heif"),
)
MAX_LENGTH = 300


@dataclass(frozen=True)
class NamePattern:
    """A compiled pattern; made by `compile_pattern`."""

    text: str
    _regex: re.Pattern[str]
    _with_ending: bool
    _parts: int
    """How many parts of the path, from its end, the pattern speaks of."""

    def match(self, name: str) -> dict[str, str] | None:
        """The fields that a file's name holds, or None where it does not follow the pattern."""
        path = PurePosixPath(name)
        subject = "/".join(path.parts[-self._parts :])
        if not self._with_ending and path.suffix.lower() in _PICTURE_ENDINGS:
            subject = subject.removesuffix(path.suffix)
        found = self._regex.fullmatch(subject) if len(subject) <= MAX_LENGTH else None
        if found is None:
            return None
        values = {_FIELDS[field][0]: text for field, text in found.groupdict().items()}
        if "age_months" in found.groupdict():
            values["age_years"] += " months"
        return values


def compile_pattern(text: str) -> NamePattern:
    """Understand a pattern: fields in braces, `*` for any text, everything else as it stands.

    It is compared with the file's name without its ending (with it where the pattern has one),
    and with as many folders before it as the pattern has. The time that a match takes grows with
    the square of the name's length at most, whatever the pattern.

    Raises:
        ValidationError: an unknown field, one given twice, two fields with nothing between them,
            or a brace without its partner.
    """
    pieces = [_piece(found) for found in _TOKEN.finditer(text)]
    _check(text, pieces)
    regex = re.compile("".join(_units(pieces)) + r"\Z", re.DOTALL | re.ASCII)
    ending = text.lower().endswith(_PICTURE_ENDINGS)
    return NamePattern(text, regex, ending, text.count("/") + 1)


@dataclass(frozen=True)
class _Piece:
    regex: str
    field: str | None = None
    free: bool = False
    """Matches any text, so where it ends is decided by what follows."""


def _piece(found: re.Match[str]) -> _Piece:
    if found["literal"]:
        return _Piece(re.escape(found["literal"]))
    if found["any"]:
        return _Piece("[^/]*?", free=True)
    name = found["field"]
    if found["stray"] or name not in _FIELDS:
        known = ", ".join("{" + field + "}" for field in _FIELDS)
        raise ValidationError(
            f"The name pattern has {found.group()!r}, which it cannot use. Fields are {known}; "
            "* stands for any text."
        )
    form = _FIELDS[name][1]
    return _Piece(f"(?P<{name}>{form or '[^/]+?'})", field=name, free=form is None)


def _check(text: str, pieces: list[_Piece]) -> None:
    filled = [_FIELDS[piece.field][0] for piece in pieces if piece.field]
    if len(set(filled)) < len(filled):
        raise ValidationError(f"The name pattern {text!r} names a field twice.")
    if not filled or len(text) > MAX_LENGTH:
        raise ValidationError(f"The name pattern {text!r} names no field, or is too long.")
    for one, other in pairwise(pieces):
        if one.free and other.free:
            raise ValidationError(
                f"The name pattern {text!r} has nothing between two texts, so nobody can tell "
                "where one ends; put a character between them."
            )


def _units(pieces: list[_Piece]) -> list[str]:
    """One atomic group from each free text to the next one.

    A free text ends at the first place where all that must follow it fits. That choice never
    spoils a later one, so it is never taken back, and no pattern can make the search explode.
    """
    units: list[list[str]] = [[]]
    for piece in pieces:
        if piece.free:
            units.append([])
        units[-1].append(piece.regex)
    # The end of the name belongs to the last unit: its text must reach as far as that.
    units[-1].append(r"\Z")
    return [f"(?>{''.join(unit)})" for unit in units if unit]
