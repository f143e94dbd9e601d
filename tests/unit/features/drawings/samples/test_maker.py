from collections import Counter
from collections.abc import Callable, Sequence
from itertools import combinations

import numpy as np
import pytest

from deepmed.features.drawings.samples import maker
from deepmed.features.drawings.samples.maker import (
    GROUPS,
    SampleDrawing,
    group_of,
    make_false_alarm_samples,
    make_planting_sources,
    make_samples,
)
from deepmed.learning.planting import InkBox, changed_share, ink_amount, ink_box

Band = tuple[float, float]
BANDS: dict[Band, int] = {(3.5, 4.5): 15, (5, 6): 20, (7, 8): 25, (9, 10): 20, (11, 12): 15}


def _of(drawings: Sequence[SampleDrawing], band: Band) -> list[SampleDrawing]:
    return [one for one in drawings if band[0] <= one.age_years <= band[1]]


def _by_band(
    drawings: Sequence[SampleDrawing], value: Callable[[SampleDrawing], float]
) -> list[float]:
    return [float(np.mean([value(one) for one in _of(drawings, band)])) for band in BANDS]


def _share(drawings: Sequence[SampleDrawing], part: str) -> list[float]:
    return _by_band(drawings, lambda one: part in one.parts)


def _identical(first: Sequence[SampleDrawing], second: Sequence[SampleDrawing]) -> bool:
    pairs = zip(first, second, strict=True)
    return all(
        one.filename == two.filename and one.image.tobytes() == two.image.tobytes()
        for one, two in pairs
    )


@pytest.mark.req("D-3.1")
def test_there_are_95_and_every_band_has_its_number(samples: list[SampleDrawing]) -> None:
    assert len(samples) == 95
    assert {band: len(_of(samples, band)) for band in BANDS} == BANDS
    assert Counter(one.group for one in samples) == {(3, 6): 35, (6, 9): 25, (9, 12): 35}
    assert all(one.group[0] <= one.age_years < one.group[1] for one in samples)


@pytest.mark.req("D-3.1")
def test_names_sizes_and_children(samples: list[SampleDrawing]) -> None:
    for one in samples:
        assert one.image.shape == (224, 224, 3)
        assert one.image.dtype == np.uint8
        assert one.filename.startswith(f"age_{one.age_years:.1f}_{one.subject}_")
    for band in BANDS:
        endings = [one.filename.removesuffix(".png")[-2:] for one in _of(samples, band)]
        assert endings == [f"{index:02d}" for index in range(1, len(endings) + 1)]
        subjects = Counter(one.subject for one in _of(samples, band))
        assert set(subjects) == {"house", "person"}
        assert abs(subjects["house"] - subjects["person"]) <= 1
    assert len({one.filename for one in samples}) == 95
    assert len({one.child_id for one in samples}) == 95


@pytest.mark.req("D-3.1")
def test_a_seed_makes_the_same_drawings_byte_for_byte(samples: list[SampleDrawing]) -> None:
    assert _identical(samples, make_samples(0))
    other = make_samples(1)
    assert [one.filename for one in other] == [one.filename for one in samples]
    assert not any((a.image == b.image).all() for a, b in zip(samples, other, strict=True))


@pytest.mark.req("D-3.1")
def test_strokes_grow_in_number_with_age(samples: list[SampleDrawing]) -> None:
    strokes = _by_band(samples, lambda one: one.strokes)
    assert strokes[0] * 1.5 < strokes[1]
    assert strokes[1] * 1.3 < strokes[2]
    assert strokes[2] < strokes[3]
    # Measured in the pictures: more edges of ink, although pens become thinner.
    edges = _by_band(
        samples, lambda one: float(np.abs(np.diff(one.image.mean(axis=2), axis=1)).sum())
    )
    assert edges[0] < edges[1] < edges[2] < max(edges[3:])


@pytest.mark.req("D-3.1")
def test_parts_of_a_figure_come_with_age(samples: list[SampleDrawing]) -> None:
    people = [one for one in samples if one.subject == "person"]
    houses = [one for one in samples if one.subject == "house"]
    parts = _by_band(samples, lambda one: len(set(one.parts)))
    assert parts[0] * 1.3 < parts[1]
    assert parts[1] * 1.2 < parts[2] < parts[4]
    trunk, clothed = _share(people, "trunk"), _share(people, "shoes")
    assert trunk[0] < 0.5  # first people are a head on legs
    assert trunk[1] > 0.7
    assert trunk[2:] == [1.0, 1.0, 1.0]
    assert clothed[0] == 0.0
    assert clothed[2] > 0.4
    assert clothed[3:] == [1.0, 1.0]
    assert _share(people, "elbows")[:2] == [0.0, 0.0]
    assert _share(people, "elbows")[4] > 0.1
    side = _share(houses, "side wall")
    assert side[:2] == [0.0, 0.0]
    assert side[4] > 0.5  # seen from a corner only late
    assert _share(houses, "path")[0] < 0.3 < _share(houses, "path")[3]
    assert _share(houses, "chimney")[0] < 0.4 < _share(houses, "chimney")[2]


@pytest.mark.req("D-3.1")
def test_figures_come_down_to_the_ground_with_age(samples: list[SampleDrawing]) -> None:
    ground = _share(samples, "ground")
    assert ground[0] < 0.35
    assert ground[0] < ground[1] < ground[2]
    assert min(ground[3:]) > 0.8
    # Measured in the pictures: older drawings use the whole width of the page.
    wide = _by_band(samples, lambda one: ink_box(one.image).width / 224)
    assert wide[0] < 0.75
    assert min(wide[2:]) > 0.85


@pytest.mark.req("D-3.1")
def test_the_pen_becomes_finer_and_the_colours_more(further: list[SampleDrawing]) -> None:
    crayon = _by_band(further, lambda one: one.drawing_tool == "crayon")
    pencil = _by_band(further, lambda one: "pencil" in one.drawing_tool)
    assert crayon[0] > crayon[2] > crayon[4]
    assert pencil[0] < pencil[2] < pencil[4]
    hues = _by_band(further, _hues)
    assert hues[0] < hues[1] < hues[3]


def _box(drawing: SampleDrawing) -> InkBox:
    return ink_box(drawing.image)


def _hues(drawing: SampleDrawing) -> int:
    """How many of twelve hues cover at least thirty well-coloured pixels."""
    from PIL import Image

    hue, saturation, value = np.moveaxis(
        np.asarray(Image.fromarray(drawing.image).convert("HSV")), 2, 0
    )
    strong = hue[(saturation > 110) & (value > 60)]
    return int((np.bincount(strong // 22, minlength=12) >= 30).sum())


@pytest.mark.req("D-3.1")
def test_children_of_one_age_draw_differently(samples: list[SampleDrawing]) -> None:
    for band in BANDS:
        for subject in ("house", "person"):
            alike = [one for one in _of(samples, band) if one.subject == subject]
            ink = [ink_amount(one.image) for one in alike]
            boxes = {(box.left, box.top, box.width, box.height) for box in map(_box, alike)}
            assert np.std(ink) / np.mean(ink) > 0.15
            assert len(boxes) > 0.8 * len(alike)
            assert len({len(set(one.parts)) for one in alike}) > 2
            least = min(changed_share(a.image, b.image) for a, b in combinations(alike, 2))
            assert least > 0.25


@pytest.mark.req("D-3.3")
def test_300_further_ones_are_a_hundred_a_group(
    further: list[SampleDrawing], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert Counter(one.group for one in further) == dict.fromkeys(GROUPS, 100)
    assert len({one.child_id for one in further}) == 300
    youngest = maker._scaled(100)[:1]  # a band is drawn alike, whatever others come after it
    monkeypatch.setattr(maker, "_scaled", lambda _per_group: youngest)
    assert _identical(further[:30], make_false_alarm_samples(0)[:30])


@pytest.mark.req("D-3.2")
@pytest.mark.req("D-3.3")
def test_no_drawing_and_no_child_is_in_two_sets(
    samples: list[SampleDrawing], further: list[SampleDrawing], sources: list[SampleDrawing]
) -> None:
    for first, second in combinations((samples, further, sources), 2):
        assert not {one.image.tobytes() for one in first} & {one.image.tobytes() for one in second}
        assert not {one.child_id for one in first} & {one.child_id for one in second}


@pytest.mark.req("D-3.3")
def test_further_ones_are_drawn_as_the_95_are(
    samples: list[SampleDrawing], further: list[SampleDrawing]
) -> None:
    """A false-alarm rate counts only drawings that are exchangeable with those of the model."""
    for group in GROUPS:
        mine, theirs = ([one for one in each if one.group == group] for each in (samples, further))
        assert np.mean([one.age_years for one in mine]) == pytest.approx(
            np.mean([one.age_years for one in theirs]), abs=0.05
        )
        for measure in (_strokes, _ink, _width):
            a, b = np.array([measure(one) for one in mine]), np.array([measure(o) for o in theirs])
            error = np.sqrt(a.var() / len(a) + b.var() / len(b))
            assert abs(a.mean() - b.mean()) < 3.5 * error


def _strokes(drawing: SampleDrawing) -> float:
    return drawing.strokes


def _ink(drawing: SampleDrawing) -> float:
    return ink_amount(drawing.image)


def _width(drawing: SampleDrawing) -> float:
    return ink_box(drawing.image).width


def test_planting_sources_are_spread_like_the_groups(sources: list[SampleDrawing]) -> None:
    assert Counter(one.group for one in sources) == dict.fromkeys(GROUPS, 24)
    assert Counter(one.group for one in make_planting_sources(3, 7)) == dict.fromkeys(GROUPS, 7)


def test_groups_are_half_open_and_the_last_is_closed() -> None:
    assert [group_of(age) for age in (3.0, 5.9, 6.0, 8.9, 9.0, 12.0)] == [
        (3, 6),
        (3, 6),
        (6, 9),
        (6, 9),
        (9, 12),
        (9, 12),
    ]
