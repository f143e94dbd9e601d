"""The crop: a square around the ink, the same wherever the drawing lies on the page."""

import numpy as np
import pytest
from PIL import Image as Pillow

from deepmed.learning.encoders import Image
from deepmed.learning.encoders.hog_pyramid import inkbox, layout
from deepmed.learning.encoders.hog_pyramid.inkbox import _darkest_channel, crop_ink

Box = tuple[int, int, int, int]


def page_with(
    *boxes: Box,
    height: int = 200,
    width: int = 200,
    colour: tuple[int, int, int] = (0, 0, 0),
    paper: int = 255,
) -> Image:
    page = np.full((height, width, 3), paper, np.uint8)
    for x0, y0, x1, y1 in boxes:
        page[y0:y1, x0:x1] = colour
    return page


@pytest.mark.req("D-5.1")
@pytest.mark.parametrize("box", [(20, 30, 120, 60), (150, 5, 170, 190), (0, 0, 40, 40)])
def test_the_box_is_that_of_the_ink_and_the_frame_a_square_around_it(box: Box) -> None:
    crop = crop_ink(page_with(box))
    x0, y0, x1, y1 = crop.frame
    longest = max(box[2] - box[0], box[3] - box[1])
    assert crop.box == box
    assert x1 - x0 == y1 - y0 == longest + 2 * round(0.06 * longest)
    assert abs((x0 + x1) - (box[0] + box[2])) <= 1
    assert abs((y0 + y1) - (box[1] + box[3])) <= 1


def test_the_pixels_are_those_of_the_frame() -> None:
    generator = np.random.default_rng(0)
    page = page_with(height=300, width=400)
    page[50:250, 100:300] = generator.integers(0, 100, (200, 200, 1), dtype=np.uint8)
    crop = crop_ink(page)
    x0, y0, x1, y1 = crop.frame
    assert (x0, y0, x1, y1) == (88, 38, 312, 262)  # 224 wide: nothing is scaled
    assert np.array_equal(crop.ink, 255 - page[y0:y1, x0:x1, 0])


def test_what_lies_beyond_the_page_is_white() -> None:
    crop = crop_ink(page_with((0, 90, 200, 110)))
    assert crop.frame[0] < 0
    assert crop.frame[2] > 200
    assert crop.ink[:, :4].max() == 0
    assert crop.ink[:, -4:].max() == 0
    assert crop.ink[112, 112] == 255


@pytest.mark.parametrize("size", [(1, 1), (3, 5), (224, 224), (1200, 900)])
def test_a_blank_page_is_shown_whole_with_its_ink_at_a_point(size: tuple[int, int]) -> None:
    height, width = size
    crop = crop_ink(page_with(height=height, width=width))
    x0, y0, x1, y1 = crop.frame
    assert x0 <= 0
    assert y0 <= 0
    assert x1 >= width
    assert y1 >= height
    assert crop.box == (width // 2, height // 2, width // 2, height // 2)
    assert crop.ink.max() == 0


def test_every_colour_of_crayon_is_ink() -> None:
    for colour in [(255, 255, 0), (255, 0, 0), (0, 0, 255), (0, 160, 0), (90, 90, 90)]:
        assert crop_ink(page_with((50, 60, 90, 100), colour=colour)).box == (50, 60, 90, 100)


def test_grey_paper_is_paper() -> None:
    crop = crop_ink(page_with((50, 60, 90, 100), paper=200))
    assert crop.box == (50, 60, 90, 100)
    assert crop.ink[0, 0] == 0
    assert crop.ink.max() == 255


def test_a_page_painted_all_over_is_ink_and_not_paper() -> None:
    crop = crop_ink(page_with((0, 0, 200, 200), colour=(40, 40, 40)))
    assert crop.box == (0, 0, 200, 200)
    assert crop.ink[112, 112] > 180


def test_a_dot_is_not_magnified_without_limit() -> None:
    x0, _, x1, _ = crop_ink(page_with((100, 100, 102, 102), height=400, width=800)).frame
    assert x1 - x0 == 100


def test_a_speck_on_a_large_scan_is_no_ink() -> None:
    drawn = (600, 600, 1200, 1500)
    page = page_with(drawn, height=3000, width=2500)
    page[3, 3] = 100
    box = crop_ink(page).box
    assert all(abs(found - edge) <= 5 for found, edge in zip(box, drawn, strict=True))


@pytest.mark.parametrize("scale", [2, 5, 9])
def test_a_larger_scan_of_the_same_drawing_gives_the_same_crop(scale: int) -> None:
    page = page_with((20, 30, 120, 60), (60, 60, 70, 150))
    small, large = crop_ink(page), crop_ink(page.repeat(scale, axis=0).repeat(scale, axis=1))
    difference = np.abs(small.ink.astype(float) - large.ink)
    assert np.mean(difference) < 4
    assert np.allclose(np.array(large.frame) / scale, small.frame, atol=3)


@pytest.mark.parametrize("size", [(1, 1), (7, 300), (256, 256), (1100, 900)])
def test_the_grey_of_a_pixel_is_its_darkest_channel(size: tuple[int, int]) -> None:
    """Whatever lies beside it in memory, at the seams of blocks and in part of a larger picture."""
    generator = np.random.default_rng(0)
    whole = generator.integers(0, 256, (size[0] + 3, size[1] + 5, 3), dtype=np.uint8)
    for page in (np.ascontiguousarray(whole[3:, 5:]), whole[3:, 5:], whole[: size[0], ::-1]):
        assert np.array_equal(np.asarray(_darkest_channel(page)), page.min(axis=2))


@pytest.mark.req("D-5.1")
@pytest.mark.parametrize("side", [513, 672, 900, 1500, 2600])
def test_no_page_is_searched_or_resized_at_more_than_it_needs(
    side: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both took most of the time on pages of the size of scans."""
    searched: list[int] = []
    resized: list[int] = []
    resize = Pillow.Image.resize

    def found(small: Pillow.Image, *rest: object) -> Box:
        searched.append(max(small.size))
        return 0, 0, side, side

    def noted(self: Pillow.Image, *rest: object) -> Pillow.Image:
        resized.append(max(self.size))
        return resize(self, *rest)

    monkeypatch.setattr(inkbox, "_ink_box", found)
    monkeypatch.setattr(Pillow.Image, "resize", noted)
    crop_ink(page_with((0, 0, side, side), height=side, width=side))
    assert searched[0] <= layout.DETECTION_SIDE
    assert resized[0] <= 1.5 * layout.CROP_SIDE


@pytest.mark.req("D-5.1")
def test_a_scan_filled_by_its_drawing_is_cut_from_what_was_searched(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """And one with a small drawing on it from the page itself, for its detail."""
    cut: list[int] = []

    def noted(source: Pillow.Image, *_: object) -> np.ndarray:
        cut.append(max(source.size))
        return np.zeros((layout.SIZE, layout.SIZE), np.uint8)

    monkeypatch.setattr(inkbox, "_cut", noted)
    for box in [(60, 60, 1400, 1300), (100, 100, 500, 700)]:
        crop = crop_ink(page_with(box, height=1500, width=1500))
        assert all(abs(found - edge) <= 2 for found, edge in zip(crop.box, box, strict=True))
    assert cut == [500, 1500]


@pytest.mark.parametrize("place", [(0, 0), (1, 2), (400, 7)])
def test_the_frame_of_a_scan_lies_where_its_pixels_are_from(place: tuple[int, int]) -> None:
    """One ink pixel of the crop, traced back through the frame, lies on the ink of the page."""
    x, y = place
    page = page_with((x, y, x + 1080, y + 1080), height=1500, width=1500, colour=(120, 120, 120))
    page[y + 300 : y + 312, x + 600 : x + 612] = 0
    crop = crop_ink(page)
    row, column = np.unravel_index(int(crop.ink.argmax()), crop.ink.shape)
    scale = (crop.frame[2] - crop.frame[0]) / layout.SIZE
    assert crop.frame[0] + (column + 0.5) * scale == pytest.approx(x + 606, abs=2 * scale)
    assert crop.frame[1] + (row + 0.5) * scale == pytest.approx(y + 306, abs=2 * scale)


@pytest.mark.req("D-5.1")
@pytest.mark.parametrize("side", [200, 512])
def test_a_small_page_is_looked_at_pixel_by_pixel(side: int) -> None:
    """One pixel decides the box, and a frame of one page pixel a step can begin anywhere."""
    page = page_with((1, 1, side - 1, side - 1), height=side, width=side)
    assert crop_ink(page).box == (1, 1, side - 1, side - 1)
    frame = crop_ink(page).frame
    assert frame[2] - frame[0] == side - 2 + 2 * round((side - 2) * layout.MARGIN)


@pytest.mark.parametrize("shape", [(1, 40_000), (40_000, 1), (2, 100_000)])
def test_a_page_like_a_thread_needs_no_square_of_its_length(shape: tuple[int, int]) -> None:
    height, width = shape
    page = np.zeros((height, width, 3), np.uint8)
    crop = crop_ink(page)
    assert crop.ink.shape == (layout.SIZE, layout.SIZE)
    assert crop.frame[2] - crop.frame[0] >= max(shape)
