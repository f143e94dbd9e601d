import numpy as np
import numpy.typing as npt
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from PIL import Image

from deepmed.learning.detectors import KnnDetector
from deepmed.learning.detectors.reference_features import (
    INK_BOX_NAMES,
    REFERENCE_FEATURES,
    ink_box_features,
    random_projection,
    reference_rows,
    sobel_energy,
)

Picture = npt.NDArray[np.uint8]

pytestmark = pytest.mark.req("D-15.3")


def _page(height: int = 60, width: int = 80) -> Picture:
    return np.full((height, width, 3), 255, dtype=np.uint8)


def _drawing(seed: int) -> Picture:
    random = np.random.default_rng(seed)
    page = _page()
    top, left = random.integers(5, 20, size=2)
    page[top : top + 25, left : left + 3] = 0
    page[top : top + 3, left : left + 30] = 40
    return page


def _named(image: Picture) -> dict[str, float]:
    return dict(zip(INK_BOX_NAMES, ink_box_features(image).tolist(), strict=True))


def test_there_are_rows_for_ink_and_box_sobel_and_a_random_projection() -> None:
    rows = reference_rows([_drawing(0), _drawing(1)], [_drawing(2)], seed=3)
    assert list(rows) == ["ink and box", "Sobel energy", "random projection"]
    widths = [row.originals.shape[1] for row in rows.values()]
    assert widths == [12, 1, 64]
    assert all(row.originals.shape[0] == 2 and len(row.planted) == 1 for row in rows.values())


def test_ink_and_box_measure_a_known_rectangle() -> None:
    page = _page(50, 100)
    page[10:30, 20:80] = 0
    found = _named(page)
    expected = {
        "ink_share": 1200 / 5000,
        "darkness": 1200 / 5000,
        "box_width": 0.6,
        "box_height": 0.4,
        "box_center_x": 0.5,
        "box_center_y": 0.4,
        "box_aspect": np.log(3),
        "ink_share_in_box": 1.0,
        "ink_center_x": 0.5,
        "ink_center_y": 0.4,
        "ink_spread_x": np.arange(60).std() / 100,
        "ink_spread_y": np.arange(20).std() / 50,
    }
    assert found == pytest.approx(expected)


def test_colour_counts_as_ink_and_paper_does_not() -> None:
    page = _page()
    page[:30] = 235
    assert _named(page)["ink_share"] == 0
    page[30:] = (220, 30, 30)
    assert _named(page)["ink_share"] == 0.5


def test_a_page_without_ink_has_features_too() -> None:
    found = _named(_page())
    assert found["ink_center_x"] == found["box_center_y"] == 0.5
    assert sum(found.values()) == 4 * 0.5
    assert sobel_energy(_page()).tolist() == [0.0]
    assert not random_projection([_page()]).any()


def test_sobel_energy_is_the_mean_gradient_of_a_known_edge() -> None:
    page = _page(128, 128)
    page[:, 64:] = 0
    assert sobel_energy(page)[0] == pytest.approx(2 / 128)


def test_sobel_energy_does_not_depend_on_the_resolution() -> None:
    small = Image.fromarray(_drawing(3))
    large = np.asarray(small.resize((small.width * 4, small.height * 4), Image.Resampling.NEAREST))
    assert sobel_energy(large)[0] == pytest.approx(sobel_energy(_drawing(3))[0], rel=0.15)


def test_random_projection_keeps_distances_roughly() -> None:
    random = np.random.default_rng(0)
    pictures = random.integers(0, 256, size=(20, 64, 64, 1), dtype=np.uint8).repeat(3, axis=3)
    raw = pictures[..., 0].reshape(20, -1) / 255
    projected = random_projection(list(pictures))
    pairs = np.triu_indices(20, 1)
    ratios = [
        np.linalg.norm(points[pairs[0]] - points[pairs[1]], axis=1) for points in (projected, raw)
    ]
    assert_allclose(np.mean(ratios[0] / ratios[1]), 1.0, atol=0.1)


@pytest.mark.req("P-13.1")
def test_the_projection_is_the_seeds() -> None:
    pictures = [_drawing(0)]
    assert_array_equal(random_projection(pictures, seed=1), random_projection(pictures, seed=1))
    assert not np.allclose(random_projection(pictures, 1), random_projection(pictures, 2))


@pytest.mark.parametrize("name", list(REFERENCE_FEATURES))
def test_a_row_depends_on_its_own_picture_and_a_detector_takes_it(name: str) -> None:
    pictures = [_drawing(seed) for seed in range(8)]
    rows = REFERENCE_FEATURES[name](pictures)
    alone = np.concatenate([REFERENCE_FEATURES[name]([picture]) for picture in pictures])
    assert_array_equal(rows, alone)
    filled = np.zeros_like(_page())
    filled[::2] = 255
    scores = KnnDetector().fit(rows).score_samples(REFERENCE_FEATURES[name]([pictures[0], filled]))
    assert scores[1] > scores[0]
