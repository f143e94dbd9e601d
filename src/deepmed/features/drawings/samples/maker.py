"""Typical drawings of typical children: the 95 samples, and further ones apart from them.

All sets follow the same age bands and shares of subjects, so that within an age group the
drawings of one set are exchangeable with those of another: only then is the share of flagged
further samples a false-alarm rate. They come from streams of random numbers of their own.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deepmed.features.drawings.samples.hand import draw_hand
from deepmed.features.drawings.samples.house import draw_house
from deepmed.features.drawings.samples.person import draw_person
from deepmed.features.drawings.samples.sheet import Frame, Sheet
from deepmed.features.drawings.samples.surroundings import draw_behind, draw_beside
from deepmed.kit.seeds import generator

Group = tuple[float, float]

GROUPS: tuple[Group, ...] = ((3.0, 6.0), (6.0, 9.0), (9.0, 12.0))
SUBJECTS = ("house", "person")


@dataclass(frozen=True)
class Band:
    """Ages drawn evenly from a span, both ends included."""

    youngest: float
    oldest: float
    count: int


# "5-6" ends before 6 and "11-12" before 12, so that half-open groups and bands never split.
BANDS = (
    Band(3.5, 4.5, 15),
    Band(5.0, 5.9, 20),
    Band(7.0, 8.0, 25),
    Band(9.0, 10.0, 20),
    Band(11.0, 11.9, 15),
)


@dataclass(frozen=True)
class SampleDrawing:
    """One typical drawing; `strokes` and `parts` tell what the pen did."""

    filename: str
    image: NDArray[np.uint8]
    age_years: float
    subject: str
    group: Group
    child_id: str
    drawing_tool: str
    strokes: int
    parts: tuple[str, ...]


def group_of(age: float) -> Group:
    """The default age group of an age: half-open, the last one closed."""
    return next((group for group in GROUPS if age < group[1]), GROUPS[-1])


def make_samples(seed: int = 0) -> list[SampleDrawing]:
    """The 95 typical drawings: 35, 25 and 35 in the three default age groups."""
    return _make(seed, "sample", BANDS)


def make_false_alarm_samples(seed: int = 0, per_group: int = 100) -> list[SampleDrawing]:
    """Further typical drawings, apart from the 95, to count how many of them are flagged."""
    return _make(seed, "further", _scaled(per_group))


def make_crowd(seed: int, per_group: int, beside: int) -> Iterator[SampleDrawing]:
    """Typical drawings apart from all others, one after the other: nobody holds them all.

    Args:
        seed: of the run.
        per_group: drawings of 6 to under 9 years.
        beside: drawings of each other group.
    """
    bands = [band for band in _scaled(per_group) if group_of(band.youngest) == GROUPS[1]]
    bands += [band for band in _scaled(beside) if group_of(band.youngest) != GROUPS[1]]
    for number, (age, index) in enumerate(_ages(tuple(bands)), start=1):
        yield _sample(seed, "crowd", number, age, index)


def make_planting_sources(seed: int = 0, per_group: int = 24) -> list[SampleDrawing]:
    """Typical drawings, apart from the others, to plant anomalies into."""
    return _make(seed, "source", _scaled(per_group))


def _scaled(per_group: int) -> tuple[Band, ...]:
    """The bands of the samples with `per_group` drawings in every group, shares kept."""
    bands: list[Band] = []
    for group in GROUPS:
        inside = [band for band in BANDS if group_of(band.youngest) == group]
        total, left = sum(band.count for band in inside), per_group
        for band in inside[:-1]:
            count = round(per_group * band.count / total)
            bands.append(Band(band.youngest, band.oldest, count))
            left -= count
        bands.append(Band(inside[-1].youngest, inside[-1].oldest, left))
    return tuple(bands)


def _make(seed: int, stream: str, bands: tuple[Band, ...]) -> list[SampleDrawing]:
    return [
        _sample(seed, stream, number, age, index)
        for number, (age, index) in enumerate(_ages(bands), start=1)
    ]


def _ages(bands: tuple[Band, ...]) -> Iterator[tuple[float, int]]:
    for band in bands:
        ages = np.linspace(band.youngest, band.oldest, band.count).round(1)
        yield from ((float(age), index) for index, age in enumerate(ages, start=1))


def _sample(seed: int, stream: str, number: int, age: float, index: int) -> SampleDrawing:
    """House and person take turns: file names then do not depend on the seed."""
    subject = SUBJECTS[(index - 1) % 2]
    sheet = draw(age, subject, generator(seed, "drawings", stream, number))
    return SampleDrawing(
        filename=f"age_{age:.1f}_{subject}_{index:02d}.png",
        image=sheet.finish(),
        age_years=age,
        subject=subject,
        group=group_of(age),
        child_id=f"{stream}-{number:03d}",
        drawing_tool=sheet.hand.tool,
        strokes=sheet.strokes,
        parts=tuple(sheet.parts),
    )


def draw(age: float, subject: str, rng: np.random.Generator) -> Sheet:
    """A sheet on which a child of this age has drawn the subject."""
    sheet = Sheet(draw_hand(age, rng), rng)
    ground = _ground(sheet)
    frame, span = _stand(sheet, subject, ground)
    draw_behind(sheet, ground, (span[0] + span[1]) / 2)
    sheet.frame = frame
    (draw_house if subject == "house" else draw_person)(sheet)
    draw_beside(sheet, ground, [(0.02, span[0]), (span[1], 0.98)])
    return sheet


def _ground(sheet: Sheet) -> float | None:
    """Where the ground lies; the youngest let their figures float."""
    if not sheet.chance(0.9 * sheet.hand.grows(4.6, 7.2)):
        return None
    lift = 0.05 + 0.09 * sheet.hand.grows(6.0, 9.0)
    return 1.0 - float(np.clip(sheet.vary(lift, 0.35), 0.03, 0.25))


def _stand(sheet: Sheet, subject: str, ground: float | None) -> tuple[Frame, tuple[float, float]]:
    """The frame of the figure and the span of the page that it takes up."""
    rng, hand = sheet.rng, sheet.hand
    person = subject == "person"
    size = sheet.vary(0.60 if person else 0.42, 0.24 - 0.10 * hand.grows(4, 9))
    size = float(np.clip(size, 0.25, 0.82 if person else 0.56))
    corner = 0.72 * hand.grows(7.6, 10.5)  # a house seen from its corner needs room for its side
    half = 0.3 * size if person else 0.5 * size * (1.0 + corner)
    size, half = size * min(1.0, 0.46 / half), min(half, 0.46)
    middle = float(np.clip(rng.normal(0.5, 0.13), half + 0.04, 0.96 - half))
    tall = size if person else 1.25 * size
    if ground is None:
        foot = float(np.clip(rng.normal(0.5 + tall / 2, 0.09), tall + 0.03, 0.97))
    else:
        foot = ground
        size *= min(1.0, (ground - 0.05) / tall)
    x = middle if person else middle - half
    wide = sheet.vary(1.0, 0.08)
    frame = Frame(x, foot, size * wide, size, hand.tilt)
    return frame, (middle - half - 0.02, middle + half + 0.02)
