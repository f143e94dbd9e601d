"""Images in one folder a class, as many published data sets come (X-1)."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile

from deepmed.features.xray.errors import SourceRefusedError
from deepmed.features.xray.source.labels import LabelledImage, part_of
from deepmed.features.xray.source.placing import PlacedImage, stem_of
from deepmed.kit.errors import ValidationError
from deepmed.kit.sources import SourceFile

_WITHOUT_FINDING = {
    "0",
    "control",
    "healthy",
    "negative",
    "no finding",
    "normal",
}


@dataclass(frozen=True)
class ClassFolders:
    """`unplaced` are images that lie in no folder of a class."""

    classes: tuple[str, ...]
    images: tuple[PlacedImage, ...]
    unplaced: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Place:
    file: SourceFile
    class_name: str
    part: str | None
    patient: str | None
    """The folder within the class's, if there is one."""


def read_class_folders(
    files: Sequence[SourceFile], patient_pattern: str | None = None
) -> ClassFolders | None:
    """Classes by the folders that images lie in; None where there are fewer than two.

    Folders around all of them do not count. Folders that are called like parts of a split
    (`train`, `val`, `test`) may stand around the classes: the split is then the published one. A
    folder within a class's is a patient. Of two classes the one without finding (`NORMAL`, ...)
    comes first; otherwise they are in the order of their names.

    Args:
        files: the images.
        patient_pattern: where a file's name says the patient, see `patient_by`.

    Raises:
        SourceRefusedError: there is a training and a test part, but only one class in them.
        ValidationError: a bad pattern.
    """
    pattern = None if patient_pattern is None else patient_by(patient_pattern)
    shared = _shared_folders(files)
    placed = [place for file in files if (place := _place(file, shared)) is not None]
    if any(place.part for place in placed):  # then a folder beside the parts is no class
        placed = [place for place in placed if place.part]
    names = sorted({place.class_name for place in placed})
    if len(names) < 2:
        if placed and placed[0].part:
            raise SourceRefusedError(
                f"No training was started: all images are of one class, {names[0]!r}. Put the "
                "images of each class into a folder of its own."
            )
        return None
    classes = _ordered(names)
    images = tuple(
        PlacedImage(place.file, _image(place, classes.index(place.class_name), pattern))
        for place in placed
    )
    inside = {place.file.name for place in placed}
    outside = tuple(file.name for file in files if file.name not in inside)
    return ClassFolders(classes, images, outside)


def patient_by(pattern: str) -> re.Pattern[str]:
    """What finds the patient in a file's name without its ending.

    `{patient}` is the shortest text that fits and `*` anything: `{patient}_*` finds `person1` in
    `person1_virus_6`. A name that does not fit is a patient of its own.

    Raises:
        ValidationError: `{patient}` is not there exactly once.

    >>> patient_by("{patient}_*").fullmatch("person1_virus_6")["patient"]
    'person1'
    """
    if pattern.count("{patient}") != 1:
        raise ValidationError(
            f"The pattern {pattern!r} must hold {{patient}} once, for example {{patient}}_*."
        )
    text = re.escape(pattern).replace(r"\{patient\}", "(?P<patient>[^/]+?)").replace(r"\*", ".*")
    return re.compile(text)


def _shared_folders(files: Sequence[SourceFile]) -> int:
    """How many folders stand around all images; a folder that is a part of a split does not."""
    paths = [file.name.split("/")[:-1] for file in files]
    levels = zip(*paths, strict=False)
    same = takewhile(lambda level: len(set(level)) == 1 and not part_of(level[0]), levels)
    return sum(1 for _ in same)


def _place(file: SourceFile, shared: int) -> _Place | None:
    folders = file.name.split("/")[:-1][shared:]
    part = part_of(folders[0]) if folders else None
    rest = folders[1:] if part else folders
    if not rest:
        return None
    return _Place(file, rest[0], part, "/".join(rest[1:]) or None)


def _ordered(names: Sequence[str]) -> tuple[str, ...]:
    first = [name for name in names if name.lower().replace("_", " ") in _WITHOUT_FINDING]
    if len(names) == 2 and len(first) == 1:
        return (*first, *(name for name in names if name not in first))
    return tuple(names)


def _image(place: _Place, label: int, pattern: re.Pattern[str] | None) -> LabelledImage:
    name = place.file.name
    found = pattern.fullmatch(stem_of(name)) if pattern else None
    patient = found["patient"] if found else place.patient or ""
    return LabelledImage(name, patient, label, part=place.part)
