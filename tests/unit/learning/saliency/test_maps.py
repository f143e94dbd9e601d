"""Two different drawings never share a map (D-23)."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deepmed.learning.saliency import InterpretabilityPipeline, map_key, picture_hash
from deepmed.learning.saliency.example import example_page, example_sheet

Parts = tuple[str, str, str, list[float]]
PARTS = st.tuples(
    st.text(min_size=1), st.text(min_size=1), st.text(min_size=1), st.lists(st.floats(0, 20))
)


@pytest.mark.req("D-23.3")
@settings(max_examples=50, deadline=None)
@given(PARTS, PARTS)
def test_keys_are_equal_exactly_where_everything_is(first: Parts, second: Parts) -> None:
    assert (map_key(*first) == map_key(*second)) is (first == second)


def test_a_stored_map_keeps_its_name() -> None:
    stored = "50a00a2ed3585ac69927fc1b0035b2e552fe93ec3de8310b95cc091448b9a936"
    assert map_key("ab", "c", "occlusion", (4.5,)) == stored


@pytest.mark.req("D-23.3")
def test_one_pixel_or_another_shape_is_another_picture() -> None:
    sheet = np.full((6, 4, 3), 255, np.uint8)
    dotted = sheet.copy()
    dotted[5, 3, 2] = 254
    pictures = [sheet, dotted, sheet.reshape(4, 6, 3), np.ascontiguousarray(sheet[:, :3])]
    assert len({picture_hash(picture) for picture in pictures}) == 4
    assert picture_hash(sheet) == picture_hash(np.asfortranarray(sheet))


@pytest.mark.req("D-23.3")
def test_the_pipeline_names_maps_by_drawing_model_and_method() -> None:
    page = example_page()
    prepare = page.function.encoder.prepare
    keys = set()
    for model, method, place in [
        ("a", "gradient", 1), ("a", "gradient", 2), ("b", "gradient", 1), ("a", "occlusion", 1),
    ]:  # fmt: skip
        sheet = example_sheet(place, bar=True)
        found = InterpretabilityPipeline(model, method=method).generate_complete_analysis(
            sheet, prepare([sheet]), page.function, np.zeros_like, measure=False
        )
        keys.add(found.key)
    assert len(keys) == 4


@pytest.mark.parametrize("parts", [("", "m", "x"), ("d", "", "x"), ("d", "m", "")])
def test_a_key_without_a_part_is_refused(parts: tuple[str, str, str]) -> None:
    with pytest.raises(ValueError, match="empty"):
        map_key(*parts)
