import numpy as np
import pytest

from deepmed.learning.imaging import Enhancement

NOISE = np.random.default_rng(2).integers(60, 180, (32, 48, 1), np.uint8)


def test_stretching_brings_percentiles_to_black_and_white() -> None:
    changed = Enhancement(lower_percentile=10, upper_percentile=90).apply(NOISE)
    low, high = np.percentile(NOISE, (10, 90))
    expected = np.clip((NOISE - low) / (high - low), 0, 1) * 255
    np.testing.assert_allclose(changed, expected, atol=0.5)


def test_one_level_stays_as_it_is() -> None:
    flat = np.full((16, 16, 3), 77, np.uint8)
    np.testing.assert_array_equal(Enhancement().apply(flat), flat)


def test_equalising_with_no_slope_allowed_changes_nothing() -> None:
    only = Enhancement(contrast_stretch=False, adaptive_histogram=True, clip_limit=1e-9)
    np.testing.assert_allclose(only.apply(NOISE), NOISE, atol=1)


def test_equalising_spreads_each_region_by_itself() -> None:
    faint = NOISE.copy()
    faint[:, :24] = 20 + NOISE[:, :24] // 20  # the left half holds hardly any contrast
    only = Enhancement(contrast_stretch=False, adaptive_histogram=True, clip_limit=100)
    before, after = faint[:, :16].std(), only.apply(faint)[:, :16].std()
    assert after > 5 * before


def test_equalising_a_tile_is_its_distribution() -> None:
    """One image with the same tile everywhere: no blending shows, and the map is the ranks."""
    tile = np.random.default_rng(3).permutation(np.arange(64, dtype=np.uint8)).reshape(8, 8, 1)
    image = np.tile(tile, (8, 8, 1))
    only = Enhancement(contrast_stretch=False, adaptive_histogram=True, clip_limit=1000)
    ranks = (image.astype(float) + 1) / 64
    np.testing.assert_allclose(only.apply(image), ranks * 255, atol=0.5)


@pytest.mark.parametrize("shape", [(1, 1, 1), (3, 20, 3), (8, 8, 1), (30, 7, 3)])
def test_images_of_any_shape_keep_it(shape: tuple[int, int, int]) -> None:
    image = np.random.default_rng(4).integers(0, 256, shape, np.uint8)
    changed = Enhancement(adaptive_histogram=True, edge_enhancement=True).apply(image)
    assert changed.shape == shape
    assert changed.dtype == np.uint8


def test_edges_become_steeper_by_their_strength() -> None:
    step = np.full((8, 8, 1), 100, np.uint8)
    step[:, 4:] = 150

    def steepness(strength: float) -> int:
        only = Enhancement(contrast_stretch=False, edge_enhancement=True, edge_strength=strength)
        row = only.apply(step)[4, :, 0].astype(int)
        return int(np.diff(row).max())

    assert steepness(0) == 50 < steepness(1) < steepness(2)


@pytest.mark.parametrize(
    "change",
    [
        {"lower_percentile": 50, "upper_percentile": 50},
        {"upper_percentile": 101},
        {"clip_limit": 0},
        {"edge_strength": 2.1},
    ],
    ids=["empty", "beyond", "clip", "edge"],
)
def test_values_outside_their_range_are_refused(change: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=r"must be|percentiles"):
        Enhancement(**change)  # type: ignore[arg-type] # only numbers are changed here


def test_equal_levels_are_the_ranks_whatever_the_exposure_was() -> None:
    only = Enhancement(contrast_stretch=False, equal_histogram=True)
    ranks = np.array([np.mean(level >= NOISE) for level in range(256)])
    np.testing.assert_allclose(only.apply(NOISE), 255 * ranks[NOISE], atol=0.5)
    brighter = np.rint(NOISE * 1.2 + 10).astype(np.uint8)
    np.testing.assert_array_equal(only.apply(brighter), only.apply(NOISE))
    flat = np.full((4, 4, 1), 9, np.uint8)
    np.testing.assert_array_equal(only.apply(flat), flat)
