"""Facts measured on sheets where they can be counted by hand (D-18)."""

import json

import numpy as np
import pytest

from deepmed.learning.saliency import Region, VisualFeatureIdentifier
from deepmed.learning.saliency.features import measure

from .conftest import Picture


def sheet_of(
    *blocks: tuple[int, int, int, int], shape: tuple[int, int] = (100, 200), grey: int = 0
) -> Picture:
    sheet = np.full((*shape, 3), 255, np.uint8)
    for top, left, height, width in blocks:
        sheet[top : top + height, left : left + width] = grey
    return sheet


@pytest.mark.req("D-18.1")
def test_facts_are_what_can_be_counted() -> None:
    facts = measure(sheet_of((10, 20, 20, 40), (60, 20, 20, 10)))
    assert facts["ink_coverage"] == pytest.approx((800 + 200) / 20_000)
    assert facts["strokes"] == 2
    assert facts["line_darkness"] == pytest.approx(1.0)
    assert facts["box_width"] == pytest.approx(40 / 200)
    assert facts["box_height"] == pytest.approx(70 / 100)
    assert facts["centre_x"] == pytest.approx((40 * 800 + 25 * 200) / 1000 / 200)
    assert facts["centre_y"] == pytest.approx((20 * 800 + 70 * 200) / 1000 / 100)
    # Of the lower block nothing meets its mirror image, of the upper block everything.
    assert facts["symmetry"] == pytest.approx(800 / (800 + 400))


def test_darkness_is_of_the_lines_and_not_of_the_page() -> None:
    pale, dark = (measure(sheet_of((10, 20, 20, 40), grey=grey)) for grey in (153, 0))
    assert pale["line_darkness"] == pytest.approx(0.4, abs=0.01)
    assert pale["ink_coverage"] == dark["ink_coverage"]


def test_lines_that_touch_at_a_corner_are_one_and_dust_is_none() -> None:
    sheet = sheet_of((10, 10, 5, 5), (15, 15, 5, 5), (60, 60, 1, 2))
    assert measure(sheet)["strokes"] == 1


def test_a_large_scan_has_the_facts_of_the_small_one() -> None:
    small = sheet_of((10, 20, 20, 40), (60, 20, 20, 10))
    large = np.kron(small, np.ones((12, 12, 1), np.uint8))
    assert measure(large) == pytest.approx(measure(small), rel=0.03)
    content = VisualFeatureIdentifier([]).analyze_drawing_content(large)
    assert content.box == pytest.approx((240, 120, 720, 960), abs=12)


@pytest.mark.req("D-18.1")
def test_each_fact_is_ranked_among_typical_drawings() -> None:
    typical = [sheet_of((10, 10, 10, width)) for width in (10, 20, 40, 80)]
    found = VisualFeatureIdentifier(typical).analyze_drawing_content(sheet_of((40, 120, 10, 40)))
    assert found.facts["ink_coverage"].rank == 0.5  # two have less, one as much, one more
    assert found.facts["strokes"].rank == 0.0
    assert found.facts["centre_y"].rank == 1.0
    assert {fact.compared for fact in found.facts.values()} == {4}
    assert found.box == (120, 40, 160, 50)
    assert found.placement == "right"
    json.dumps(found.to_dict())


def test_nothing_is_ranked_without_typical_drawings_and_a_blank_page_has_no_place() -> None:
    found = VisualFeatureIdentifier([]).analyze_drawing_content(sheet_of())
    assert (found.box, found.placement) == (None, None)
    assert {name: fact.value for name, fact in found.facts.items()} == {
        "ink_coverage": 0.0,
        "strokes": 0.0,
    }
    assert found.facts["strokes"].rank is None


@pytest.mark.req("D-18.1")
def test_a_region_says_what_ink_it_holds() -> None:
    sheet = sheet_of((10, 20, 20, 40), (60, 20, 20, 10))
    upper = Region("region-1", (10, 0, 70, 40), 0.6, "upper left", ())
    empty = Region("region-2", (120, 50, 150, 80), 0.2, "right", ())
    found = VisualFeatureIdentifier([]).identify_important_regions(sheet, [upper, empty])
    assert found[0].ink_coverage == pytest.approx(800 / 2400)
    assert found[0].ink_share == pytest.approx(0.8)
    assert (found[0].strokes, found[0].empty) == (1, False)
    assert (found[1].strokes, found[1].empty, found[1].ink_share) == (0, True, 0.0)
    assert json.loads(json.dumps(found[1].to_dict()))["empty"] is True


def test_a_region_of_a_blank_page_has_no_share_of_its_ink() -> None:
    region = Region("region-1", (10, 0, 70, 40), 0.6, "upper left", ())
    found = VisualFeatureIdentifier([]).identify_important_regions(sheet_of(), [region])
    assert found[0].ink_share == 0.0
