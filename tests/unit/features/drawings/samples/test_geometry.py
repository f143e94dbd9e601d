import numpy as np
import pytest

from deepmed.features.drawings.samples.geometry import arc, box, hatching, resample, smooth, wave


def test_resampled_points_are_evenly_spaced_and_keep_the_ends() -> None:
    line = np.array([(0.0, 0.0), (1.0, 0.0), (1.0, 0.5)])
    points = resample(line, 0.1)
    steps = np.hypot(*np.diff(points, axis=0).T)
    assert points[0].tolist() == [0.0, 0.0]
    assert points[-1].tolist() == [1.0, 0.5]
    assert steps.max() < 0.12


def test_smoothing_keeps_the_number_of_points_and_rounds_the_corner() -> None:
    corner = resample(np.array([(0.0, 0.0), (1.0, 0.0), (1.0, 1.0)]), 0.02)
    rounded = smooth(corner, 9)
    assert rounded.shape == corner.shape
    assert np.hypot(*(rounded - (1.0, 0.0)).T).min() > 0.01


@pytest.mark.parametrize("angle", [0.0, -0.6, 1.4])
def test_hatching_stays_inside_its_outline_and_fills_it(angle: float) -> None:
    zigzag = hatching(box(0.2, 0.3, 0.8, 0.7), angle, 0.02)
    assert (zigzag >= (0.2 - 1e-9, 0.3 - 1e-9)).all()
    assert (zigzag <= (0.8 + 1e-9, 0.7 + 1e-9)).all()
    assert np.ptp(zigzag, axis=0) == pytest.approx((0.6, 0.4), abs=0.05)


def test_a_shape_thinner_than_the_pen_needs_no_hatching() -> None:
    assert hatching(box(0.2, 0.3, 0.8, 0.3), 0.0, 0.02).shape == (0, 2)


def test_arcs_and_waves_begin_and_end_where_they_should() -> None:
    quarter = arc((1.0, 1.0), (0.5, 0.25), 0.0, np.pi / 2)
    np.testing.assert_allclose(quarter[[0, -1]], [(1.5, 1.0), (1.0, 1.25)], atol=1e-12)
    humps = wave((0.0, 0.0), (1.0, 0.0), 3, 0.1)
    np.testing.assert_allclose(humps[[0, -1]], [(0.0, 0.0), (1.0, 0.0)], atol=1e-12)
    assert humps[:, 1].min() == pytest.approx(-0.1, abs=1e-3)
