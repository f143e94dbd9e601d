import csv
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from deepmed.features.drawings.samples.files import METADATA, create_sample_drawings
from deepmed.features.drawings.samples.maker import GROUPS, SampleDrawing
from deepmed.features.drawings.samples.planted import (
    PlantedDrawing,
    create_planted_drawings,
    make_planted,
)
from deepmed.kit.errors import ConflictError
from deepmed.learning.planting import changed_share, ink_box

Picture = NDArray[np.uint8]


def _measured(image: Picture, threshold: int) -> tuple[float, list[int]]:
    """Ink and box without our code: on these white pages Pillow's grey picture is enough."""
    dark = 255 - np.asarray(Image.fromarray(image).convert("L"), dtype=np.int64)
    rows, columns = (np.flatnonzero((dark > threshold).any(axis=axis)) for axis in (1, 0))
    box = [columns[0], rows[0], columns[-1] + 1, rows[-1] + 1]
    return float(dark[dark > threshold].sum()), [int(edge) for edge in box]


def _matched(planted: list[PlantedDrawing]) -> list[PlantedDrawing]:
    return [one for one in planted if one.kind.matched]


@pytest.mark.req("D-3.2")
def test_24_matched_ones_are_eight_a_group_and_9_unmatched_stand_beside(
    planted: list[PlantedDrawing],
) -> None:
    assert len(planted) == 33
    for group in GROUPS:
        kinds = Counter(one.kind.value for one in planted if one.group == group)
        assert kinds == {
            "parts_shuffled": 1,
            "part_mirrored": 1,
            "part_turned": 1,
            "jitter_1": 1,
            "jitter_2": 1,
            "jitter_3": 1,
            "other_group": 2,
            "scribble": 1,
            "filled_page": 1,
            "tiny_mark": 1,
        }
        givers = {
            one.donor.group for one in planted if one.group == group and one.donor is not None
        }
        assert givers == {other for other in GROUPS if other != group}
    assert len(_matched(planted)) == 24


@pytest.mark.req("D-3.2")
@pytest.mark.parametrize("threshold", [8, 16, 32])
def test_ink_and_box_are_the_originals_within_a_tenth(
    planted: list[PlantedDrawing], threshold: int
) -> None:
    for one in _matched(planted):
        ink, box = _measured(one.original.image, threshold)
        other, moved = _measured(one.image, threshold)
        sides = (box[2] - box[0], box[3] - box[1])
        assert other / ink == pytest.approx(1.0, abs=0.1), one.filename
        for i in range(4):
            assert abs(moved[i] - box[i]) <= 0.1 * sides[i % 2], one.filename
        for i in range(2):
            assert abs(moved[i + 2] - moved[i] - sides[i]) <= 0.1 * sides[i], one.filename


@pytest.mark.req("D-3.2")
@pytest.mark.parametrize("seed", [1, 2])
def test_other_seeds_are_matched_too(seed: int) -> None:
    planted = make_planted(seed)
    assert len(_matched(planted)) == 24
    assert all(one.planted.within(0.1) for one in _matched(planted))


@pytest.mark.req("D-3.2")
def test_every_anomaly_shows_against_its_own_original(planted: list[PlantedDrawing]) -> None:
    for one in planted:
        assert changed_share(one.original.image, one.image) > (0.03 if one.kind.strength else 0.15)


@pytest.mark.req("D-3.2")
def test_unmatched_ones_are_seen_by_their_ink(planted: list[PlantedDrawing]) -> None:
    by_kind: dict[str, list[PlantedDrawing]] = {}
    for one in planted:
        by_kind.setdefault(one.kind.value, []).append(one)
    assert all(one.planted.ink_ratio > 1.2 for one in by_kind["scribble"])
    assert all(one.planted.ink_ratio > 2.0 for one in by_kind["filled_page"])
    assert all((one.image.min(axis=2) < 220).mean() > 0.75 for one in by_kind["filled_page"])
    assert all(one.planted.ink_ratio < 0.1 for one in by_kind["tiny_mark"])
    assert all(ink_box(one.image).width < 30 for one in by_kind["tiny_mark"])


@pytest.mark.req("D-3.2")
def test_originals_are_other_drawings_than_the_samples(
    planted: list[PlantedDrawing],
    samples: list[SampleDrawing],
    further: list[SampleDrawing],
    sources: list[SampleDrawing],
) -> None:
    known = {one.image.tobytes() for one in (*samples, *further)}
    used = [one.original for one in planted] + [one.donor for one in planted if one.donor]
    assert not {one.image.tobytes() for one in planted} & known
    assert not {one.image.tobytes() for one in used} & known
    assert {one.child_id for one in used} <= {one.child_id for one in sources}
    # No original serves twice, and who stands in for one is no other's original.
    assert len({one.child_id for one in used}) == len(used) == 33 + 6


@pytest.mark.req("D-3.2")
@pytest.mark.usefixtures("planted_before")
def test_the_folder_pairs_each_anomaly_with_its_original(
    tmp_path: Path, planted: list[PlantedDrawing]
) -> None:
    paths = create_planted_drawings(tmp_path)
    with (tmp_path / "planted.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["filename"] for row in rows] == [path.name for path in paths]
    assert len(list(tmp_path.iterdir())) == 2 * 33 + 1
    for row, one in zip(rows, planted, strict=True):
        for name, image in ((row["filename"], one.image), (row["original"], one.original.image)):
            with Image.open(tmp_path / name) as picture:
                np.testing.assert_array_equal(np.asarray(picture), image)
        assert row["kind"] == one.kind.value
        assert row["strength"] == ("" if one.kind.strength is None else str(one.kind.strength))
        assert row["group"] == f"{one.group[0]:.0f}-{one.group[1]:.0f}"
        assert (row["age_years"], row["subject"]) == (str(one.original.age_years), one.subject)
        assert row["matched"] == str(one.kind.matched)
        assert float(row["ink_ratio"]) == pytest.approx(one.planted.ink_ratio, abs=1e-4)
        if one.donor is not None:
            assert row["stand_in_group"] == f"{one.donor.group[0]:.0f}-{one.donor.group[1]:.0f}"


@pytest.mark.req("D-3.2")
def test_a_second_run_writes_the_same_bytes(tmp_path: Path) -> None:
    for name in ("first", "second"):
        create_planted_drawings(tmp_path / name)
    first, second = (
        {path.name: path.read_bytes() for path in (tmp_path / name).iterdir()}
        for name in ("first", "second")
    )
    assert first == second


@pytest.mark.req("D-3.2")
@pytest.mark.usefixtures("drawn", "planted_before")
def test_planted_ones_never_lie_where_samples_are_uploaded_from(tmp_path: Path) -> None:
    uploaded, apart = tmp_path / "sample_drawings", tmp_path / "planted"
    samples = {path.name for path in create_sample_drawings(uploaded)}
    with pytest.raises(ConflictError, match="another folder"):
        create_planted_drawings(uploaded)
    assert {path.name for path in uploaded.iterdir()} == samples | {METADATA}
    planted = {path.name for path in create_planted_drawings(apart)}
    assert not planted & samples
    # The folder of planted ones has no table that an upload would read.
    assert not (apart / METADATA).exists()
