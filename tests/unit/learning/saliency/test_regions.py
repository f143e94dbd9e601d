"""From a map to boxes on the original (D-18)."""

import numpy as np
import pytest

from deepmed.learning.saliency import ImportanceRegionDetector, SaliencyMap
from deepmed.learning.saliency.maps import Frame
from deepmed.learning.saliency.places import box_in_words, page_box, place_in_words

from .conftest import Values


def map_of(values: Values, frame: Frame = (0.0, 0.0, 140.0, 140.0)) -> SaliencyMap:
    return SaliencyMap(values, "occlusion", 1.0, "e", "paper", frame)


@pytest.mark.req("D-18.1")
def test_boxes_lie_in_the_originals_pixels() -> None:
    values = np.zeros((14, 14))
    values[3:5, 10:13] = 2.0
    values[12, 2] = 3.0
    values[0, 0] = -50.0
    found = ImportanceRegionDetector(share=1.0).detect_bounding_boxes(
        map_of(values, (30.0, -20.0, 310.0, 260.0)), (400, 300)
    )
    # A patch is 20 pixels wide; the frame begins 20 pixels above the page.
    assert [region.bounding_box for region in found] == [(230, 40, 290, 80), (70, 220, 90, 240)]
    assert [region.importance_score for region in found] == pytest.approx([0.8, 0.2])
    assert [region.region_id for region in found] == ["region-1", "region-2"]
    assert [region.spatial_location for region in found] == ["upper centre", "lower left"]
    assert found[1].patches == ((12, 2),)
    assert found[0].to_dict()["bounding_box"] == (230, 40, 290, 80)


@pytest.mark.req("D-18.1")
def test_boxes_are_cut_at_the_page_and_dropped_beyond_it() -> None:
    values = np.zeros((14, 14))
    values[0, 5] = 5.0  # above the page
    values[1, 5] = 0.0
    values[2, 5] = 1.0  # half above it
    found = ImportanceRegionDetector(share=1.0).detect_bounding_boxes(
        map_of(values, (0.0, -25.0, 140.0, 115.0)), (140, 115)
    )
    assert [region.bounding_box for region in found] == [(50, 0, 60, 5)]
    assert found[0].importance_score == pytest.approx(1 / 6)


def test_the_fewest_patches_that_carry_the_share_are_taken() -> None:
    values = np.random.default_rng(0).random((14, 14))
    found = ImportanceRegionDetector(share=0.4, most=999).detect_bounding_boxes(
        map_of(values), (140, 140)
    )
    taken = sum(len(region.patches) for region in found)
    carried = np.cumsum(np.sort(values.ravel())[::-1]) / values.sum()
    assert taken == int(np.argmax(carried >= 0.4)) + 1
    assert sum(region.importance_score for region in found) == pytest.approx(carried[taken - 1])


def test_at_most_so_many_regions_and_none_where_nothing_raises_the_score() -> None:
    values = np.zeros((14, 14))
    values[::2, ::2] = np.arange(1, 50).reshape(7, 7)
    detector = ImportanceRegionDetector(share=1.0, most=3)
    found = detector.detect_bounding_boxes(map_of(values), (140, 140))
    assert [region.patches for region in found] == [((12, 12),), ((12, 10),), ((12, 8),)]
    assert detector.detect_bounding_boxes(map_of(-values), (140, 140)) == []
    with pytest.raises(ValueError, match="share"):
        ImportanceRegionDetector(share=0.0)


def test_highlights_frame_the_regions_and_leave_the_rest() -> None:
    sheet = np.full((140, 140, 3), 255, np.uint8)
    values = np.zeros((14, 14))
    values[5:9, 5:9] = 1.0
    detector = ImportanceRegionDetector(share=1.0)
    regions = detector.detect_bounding_boxes(map_of(values), (140, 140))
    x0, y0, x1, y1 = regions[0].bounding_box
    shown = detector.create_region_highlights(sheet, regions)
    assert (shown[y0, x0:x1] != 255).any(axis=1).all()
    assert (shown[y1 - 1, x0:x1] != 255).any(axis=1).all()
    shown[y0:y1, x0:x1] = 255
    assert (shown == sheet).all()


@pytest.mark.req("D-18.1")
def test_nine_places_have_words() -> None:
    thirds = (0.0, 0.5, 1.0)
    assert [place_in_words(x, y) for y in thirds for x in thirds] == [
        "upper left", "upper centre", "upper right",
        "left", "centre", "right",
        "lower left", "lower centre", "lower right",
    ]  # fmt: skip
    assert box_in_words((0, 90, 10, 100), (10, 100)) == "lower centre"


def test_a_frame_in_float32_does_not_grow_a_box() -> None:
    frame = tuple(np.float32([0.1, 0.1, 140.1, 140.1]).astype(float) - 0.1)
    assert page_box((2, 3, 4, 5), (14, 14), frame, (140, 140)) == (30, 20, 50, 40)
