"""Page facts and page map against sums over the page itself."""

import math

import numpy as np
import pytest
import torch

from deepmed.learning.encoders import HogPyramidEncoder
from deepmed.learning.encoders.hog_pyramid.page import PageGeometry, page_facts, page_map


def prepared(page: np.ndarray) -> tuple[torch.Tensor, PageGeometry]:
    made = HogPyramidEncoder(device="cpu").prepare([page])
    return 1 - made.pixels, PageGeometry.read(made.frames, made.extras)


def drawn(height: int, width: int, *boxes: tuple[int, int, int, int]) -> np.ndarray:
    page = np.full((height, width, 3), 255, np.uint8)
    for x0, y0, x1, y1 in boxes:
        page[y0:y1, x0:x1] = 0
    return page


@pytest.mark.req("D-5.1")
def test_facts_are_place_extent_and_share_of_the_ink() -> None:
    page = drawn(200, 400, (40, 20, 120, 60), (90, 60, 120, 140))
    facts = page_facts(*prepared(page))[0].tolist()
    share = (page[..., 0] == 0).mean()
    assert facts[:4] == pytest.approx([80 / 400, 80 / 200, 80 / 400, 120 / 200])
    assert facts[4:6] == pytest.approx([math.log(80 / 400), math.log(120 / 400)])
    assert facts[6] == pytest.approx(math.sqrt(share), rel=0.01)
    side = 120 + 2 * round(120 * 0.06)
    assert facts[7] == pytest.approx(math.sqrt(share * 200 * 400) / side, rel=0.01)


@pytest.mark.req("D-5.1")
def test_the_map_is_the_share_of_ink_in_each_field_of_the_page() -> None:
    generator = np.random.default_rng(2)
    page = np.full((240, 360, 3), 255, np.uint8)
    page[50:220, 100:340] = generator.integers(0, 256, (170, 240, 1), dtype=np.uint8)
    fields = 1 - page[..., 0].reshape(6, 40, 6, 60).mean(axis=(1, 3)) / 255
    made = page_map(*prepared(page))[0].reshape(6, 6).numpy()
    # Each patch of the crop is spread evenly over 19 pixels of the page, a third of a field.
    assert np.abs(made - fields).max() < 0.02
    assert made.sum() == pytest.approx(fields.sum(), rel=0.005)


def test_facts_follow_the_pixels_when_ink_is_taken_away() -> None:
    ink, geometry = prepared(drawn(200, 200, (20, 20, 100, 180)))
    full, half = page_facts(ink, geometry)[0], page_facts(ink / 2, geometry)[0]
    assert torch.equal(full[:6], half[:6])
    assert torch.allclose(full[6:] ** 2, 2 * half[6:] ** 2, rtol=0.01)


def test_a_blank_page_is_the_limit_of_a_small_mark() -> None:
    blank = page_facts(*prepared(drawn(200, 200)))[0]
    dot = page_facts(*prepared(drawn(200, 200, (100, 100, 101, 101))))[0]
    assert torch.isfinite(blank).all()
    assert (blank - dot).abs().max() < 1.1
    assert blank[6:].tolist() == [0.0, 0.0]
