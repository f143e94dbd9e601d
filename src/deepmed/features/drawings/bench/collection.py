"""The drawings that the benchmark looks at: real ones from a file, and the samples."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from deepmed.features.drawings.models.ranges import DEFAULT_PLAN, AgeRange, parse_groups
from deepmed.features.drawings.name_pattern import compile_pattern
from deepmed.features.drawings.samples.maker import (
    SampleDrawing,
    make_false_alarm_samples,
    make_planting_sources,
    make_samples,
)
from deepmed.features.drawings.samples.maker import (
    make_crowd as crowd_drawings,
)
from deepmed.features.drawings.subjects import subject_index
from deepmed.kit.archives import ArchiveLimits, read_archive
from deepmed.kit.errors import ValidationError
from deepmed.kit.pictures import PictureLimits, is_blank, read_picture
from deepmed.kit.settings import Settings
from deepmed.learning.planting import shrink
from deepmed.learning.reference import Rows

Image = NDArray[np.uint8]

REAL_PATTERN = "{subject}_sketch_age{age}_{child_id}"
REAL_GROUPS = "4-6,6-9"
# Below, age groups would be too small to split into fitting, calibrating and test children.
LEAST_CHILDREN = 60
CROWD = 1_000_000
"""Number of the crowd's first child; the other sets are far smaller."""


@dataclass(frozen=True)
class Collection:
    """Drawings with what is known of each; children and drawings are numbers of this run.

    Attributes:
        images: n pictures.
        rows: one row a picture, without vectors.
        subjects: what each shows.
        groups: the age groups that models are made of.
        origin: what the drawings are, for the reader.
    """

    images: Sequence[Image]
    rows: Rows
    subjects: tuple[str, ...]
    groups: tuple[AgeRange, ...]
    origin: str

    def __len__(self) -> int:
        return len(self.images)

    @property
    def labels(self) -> list[str]:
        """The age group of each drawing, "" where it is in none."""
        return [
            next((group.label for group in self.groups if group.holds(age)), "")
            for age in self.rows.ages.tolist()
        ]


@dataclass(frozen=True)
class SampleSets:
    """Three sets of generated drawings that share no child."""

    typical: Collection
    """The 95 samples that models are made of."""
    further: Collection
    """Typical drawings that no training sees."""
    sources: Collection
    """Typical drawings that anomalies are planted into."""


def read_real_drawings(path: Path, settings: Settings) -> Collection:
    """The real drawings of a ZIP whose file names follow `REAL_PATTERN`, in order of names.

    Raises:
        ValidationError: there is no such file, or it has too few drawings by enough children.
    """
    if not path.is_file():
        raise ValidationError(f"There is no file {path.name}; name the drawings' ZIP with --data.")
    pattern = compile_pattern(REAL_PATTERN)
    found: list[tuple[dict[str, str], bytes]] = []
    for entry, content in sorted(
        read_archive(path, ArchiveLimits.of(settings)), key=lambda pair: pair[0].name
    ):
        fields = pattern.match(entry.name)
        if fields and content is not None:
            found.append((fields, content))
    return _collect(found, settings, _digest(path))


def make_sample_sets(seed: int, further_per_group: int, sources_per_group: int) -> SampleSets:
    """The generated sets; children of different sets have different numbers."""
    first = make_samples(seed)
    second = make_false_alarm_samples(seed, further_per_group)
    third = make_planting_sources(seed, sources_per_group)
    return SampleSets(
        _samples(first, 0, "generated typical drawings"),
        _samples(second, len(first), "further generated typical drawings"),
        _samples(third, len(first) + len(second), "generated drawings to plant into"),
    )


def make_crowd(seed: int, per_group: int, beside: int, chunk: int) -> Iterator[Collection]:
    """A crowd of generated drawings in chunks; its children are in no other set."""
    made = crowd_drawings(seed, per_group, beside)
    first = CROWD
    while drawings := list(islice(made, chunk)):
        yield _samples(drawings, first, "generated drawings of a crowd")
        first += len(drawings)


def _collect(
    found: list[tuple[dict[str, str], bytes]], settings: Settings, digest: str
) -> Collection:
    limits = PictureLimits.of(settings)
    # Large ones are shrunk as planting does it: else its own pictures would differ by their size.
    pictures = [shrink(read_picture(content, limits).pixels) for _, content in found]
    kept = [index for index, picture in enumerate(pictures) if not is_blank(picture)]
    numbers: dict[str, int] = {}
    children = [numbers.setdefault(found[index][0]["child_id"], len(numbers)) for index in kept]
    subjects = tuple(found[index][0]["subject"] for index in kept)
    if len(numbers) < LEAST_CHILDREN:
        raise ValidationError(
            f"The file holds drawings of {len(numbers)} children whose names follow "
            f"{REAL_PATTERN!r}, and {LEAST_CHILDREN} are the least that can be split. Nothing was "
            "measured."
        )
    ages = [float(found[index][0]["age_years"]) for index in kept]
    return Collection(
        images=[pictures[index] for index in kept],
        rows=_rows(range(len(kept)), children, ages, subjects),
        subjects=subjects,
        groups=tuple(parse_groups(REAL_GROUPS)),
        origin=f"{len(kept)} drawings by {len(numbers)} children, SHA-256 {digest}",
    )


def _samples(drawings: Sequence[SampleDrawing], first: int, origin: str) -> Collection:
    subjects = tuple(drawing.subject for drawing in drawings)
    ages = [drawing.age_years for drawing in drawings]
    numbers = range(first, first + len(drawings))
    return Collection(
        images=[drawing.image for drawing in drawings],
        rows=_rows(numbers, numbers, ages, subjects),
        subjects=subjects,
        groups=tuple(parse_groups(DEFAULT_PLAN)),
        origin=f"{len(drawings)} {origin}, one a child",
    )


def _rows(
    drawings: Sequence[int],
    children: Sequence[int],
    ages: Sequence[float],
    subjects: Sequence[str],
) -> Rows:
    return Rows(
        drawings=np.asarray(drawings, dtype=np.int64),
        children=np.asarray(children, dtype=np.int64),
        ages=np.asarray(ages, dtype=np.float64),
        subjects=np.array([subject_index(subject) for subject in subjects], dtype=np.int64),
        vectors=np.zeros((len(drawings), 0), dtype=np.float32),
    )


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
