"""Images in one folder a class, as many published data sets come (X-1)."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import takewhile

from deepmed.features.xray.errors import SourceRefusedError
from deepmed.features.xray.source.labels import LabelledImage, part_of
from deepmed.features.xray.source.placing import PlacedImage, stem_of
from deepmed.kit.errors import ValidationError
from deepmed.kit.sources import SourceFile

_MOST_CLASSES, _LONGEST_CLASS = 200, 100
_MOST_STARS, _LONGEST_STEM = 3, 255
_WITHOUT_FINDING = {
    "0", "absent", "benign", "clear", "clean", "control", "controls", "disease free", "healthy",
    "neg", "negative", "none", "normal", "normals", "unaffected", "uninfected", "unremarkable",
}  # fmt: skip
_WITHOUT = re.compile(r"(no|non|not|without)\b.*")
"""How names of classes begin that say what is not there: `no_finding`, `without pneumonia`."""
_NAMED = re.compile(r"(person|patient|subject)[-_]?\d+[-_].*", re.IGNORECASE)
"""Names of files that seem to say whose they are."""


@dataclass(frozen=True)
class ClassFolders:
    """`unplaced` are images that lie in no folder of a class."""

    classes: tuple[str, ...]
    images: tuple[PlacedImage, ...]
    unplaced: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Place:
    file: SourceFile
    class_name: str
    part: str | None
    patient: str | None
    """The folder within the class's, if there is one."""


@dataclass(frozen=True)
class PatientPattern:
    """Pieces of text before and after the patient; between two of them may be anything.

    Pieces are looked for one after another, as an expression that tries all ways would try for
    hours at names that nearly fit.
    """

    before: tuple[str, ...]
    after: tuple[str, ...]

    def find(self, stem: str) -> str | None:
        """The patient: beginning as late as can be, and then as short as can be."""
        if len(stem) > _LONGEST_STEM:
            return None
        places = range(len(stem) + 1)
        ends = [at for at in places if _fits(stem[at:], self.after)]
        for start in reversed(places):
            end = next((at for at in ends if at > start), None)
            if end is not None and _fits(stem[:start], self.before):
                return stem[start:end]
        return None


def read_class_folders(
    files: Sequence[SourceFile],
    patient_pattern: str | None = None,
    positive_class: str | None = None,
) -> ClassFolders | None:
    """Classes by the folders that images lie in; None where there are fewer than two.

    Folders around all of them do not count. Folders that are called like parts of a split
    (`train`, `val`, `test`) may stand around the classes: the split is then the published one. A
    folder within a class's is a patient. Of two classes the one without finding (`NORMAL`, ...)
    comes first, unless `positive_class` names the other; where neither tells, they are in the order
    of their names. A note says which one counts as the finding.

    Args:
        files: the images.
        patient_pattern: where a file's name says the patient, see `patient_by`.
        positive_class: of two classes the one that counts as the finding.

    Raises:
        SourceRefusedError: there is a training and a test part, but only one class in them;
            there is no such positive class; too many classes, or names that cannot be shown.
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
    _refuse_names(names)
    classes, notes = _ordered(names, positive_class)
    images = tuple(
        PlacedImage(place.file, _image(place, classes.index(place.class_name), pattern))
        for place in placed
    )
    inside = {place.file.name for place in placed}
    outside = tuple(file.name for file in files if file.name not in inside)
    return ClassFolders(classes, images, outside, (*notes, *_unread_patients(images, pattern)))


def patient_by(pattern: str) -> PatientPattern:
    """What finds the patient in a file's name without its ending.

    `{patient}` is the shortest text that fits and `*` anything: `{patient}_*` finds `person1` in
    `person1_virus_6`. A name that does not fit is a patient of its own.

    Raises:
        ValidationError: `{patient}` is not there exactly once, or there are too many `*`.

    >>> patient_by("{patient}_*").find("person1_virus_6")
    'person1'
    """
    if pattern.count("{patient}") != 1:
        raise ValidationError(
            f"The pattern {pattern!r} must hold {{patient}} once, for example {{patient}}_*."
        )
    before, after = (_pieces(part) for part in pattern.split("{patient}"))
    if len(before) + len(after) - 2 > _MOST_STARS:
        raise ValidationError(
            f"The pattern {pattern!r} has more than {_MOST_STARS} places that may be anything; "
            "leave some * out."
        )
    return PatientPattern(before, after)


def _pieces(text: str) -> tuple[str, ...]:
    """What stands between the stars; several stars in a row are one."""
    first, *others = text.split("*")
    return (first, *(each for each in others[:-1] if each), *others[-1:])


def _fits(text: str, pieces: Sequence[str]) -> bool:
    """Whether a text is these pieces in this order, with anything between them."""
    first, *middle = pieces
    if not middle:
        return text == first
    last = middle.pop()
    at, end = len(first), len(text) - len(last)
    if at > end or not (text.startswith(first) and text.endswith(last)):
        return False
    for piece in middle:
        found = text.find(piece, at, end)
        if found < 0:
            return False
        at = found + len(piece)
    return True


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


def _refuse_names(names: Sequence[str]) -> None:
    """Before they stand in every table, chart and message of a training."""
    if len(names) > _MOST_CLASSES:
        raise SourceRefusedError(
            f"No training was started: there are {len(names)} folders of classes; at most "
            f"{_MOST_CLASSES} are allowed. Put the images of each class into one folder."
        )
    wrong = [name for name in names if len(name) > _LONGEST_CLASS or not name.isprintable()]
    if wrong:
        raise SourceRefusedError(
            f"No training was started: {len(wrong)} folders of classes have names of more than "
            f"{_LONGEST_CLASS} characters, or with characters that cannot be shown, for example "
            f"{ascii(wrong[0])[:_LONGEST_CLASS]}. Rename them."
        )


def _ordered(
    names: Sequence[str], positive_class: str | None
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The classes by label, and what is to be said of the order; of several classes nothing is."""
    if positive_class is not None and (len(names) != 2 or positive_class not in names):
        raise SourceRefusedError(
            f"No training was started: data.positive_class is {positive_class!r}, and the classes "
            f"are {', '.join(map(repr, names))}. It names one of two classes; leave it out of more."
        )
    if len(names) != 2:
        return tuple(names), ()
    without = [name for name in names if _is_without_finding(name)]
    if positive_class is not None:
        finding, why = positive_class, "as data.positive_class says"
    elif len(without) == 1:
        finding = next(name for name in names if name not in without)
        why = f"because {without[0]} says that there is none"
    else:
        finding = names[1]
        why = "as the later by name, because neither name says that there is none"
    other = next(name for name in names if name != finding)
    advice = "" if positive_class else "; data.positive_class names the other if that is wrong"
    return (other, finding), (f"counted as the finding: {finding}, {why}{advice}",)


def _is_without_finding(name: str) -> bool:
    plain = " ".join(re.split(r"[\s_-]+", name.strip().lower()))
    return plain in _WITHOUT_FINDING or _WITHOUT.fullmatch(plain) is not None


def _unread_patients(
    images: Sequence[PlacedImage], pattern: PatientPattern | None
) -> Iterator[str]:
    """A warning where files seem to be named by patients, and nobody said so."""
    named = [
        one.file.name
        for one in images
        if not one.image.patient and _NAMED.fullmatch(stem_of(one.file.name))
    ]
    if pattern is None and named:
        yield (
            f"{len(named)} names of files seem to say whose they are ({stem_of(named[0])}), and "
            "that was not used, so one person's images may stand in several parts. If they do, set "
            "data.patient_pattern to {patient}_*"
        )


def _image(place: _Place, label: int, pattern: PatientPattern | None) -> LabelledImage:
    name = place.file.name
    found = pattern.find(stem_of(name)) if pattern else None
    patient = found or place.patient or ""
    return LabelledImage(name, patient, label, part=place.part)
