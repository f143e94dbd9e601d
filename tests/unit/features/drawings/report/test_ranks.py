"""Where the ranks of typical drawings lie, if p is right."""

import numpy as np
import pytest

from deepmed.features.drawings.report.ranks import rank_band
from deepmed.learning.calibration import CalibrationSet

REPEATS = 1500


@pytest.mark.req("D-22.2")
@pytest.mark.parametrize(("n", "drawings"), [(19, 30), (40, 9)])
def test_the_band_holds_simulated_ranks_nineteen_times_of_twenty(n: int, drawings: int) -> None:
    """One calibration a repetition, and all of its new drawings ranked among it."""
    random = np.random.default_rng(n)
    band = rank_band(n, drawings)
    levels, low, high = (np.array(part) for part in zip(*band, strict=True))
    inside = np.zeros(len(band))
    for _ in range(REPEATS):
        calibration = CalibrationSet(random.normal(size=n), range(n))
        p = np.array([calibration.p_value(score) for score in random.normal(size=drawings)])
        shares = (p[:, None] <= levels + 1e-12).mean(axis=0)
        inside += (low - 1e-12 <= shares) & (shares <= high + 1e-12)
    rates = inside / REPEATS
    assert rates[-1] == 1
    assert rates.min() >= 0.95 - 3 * np.sqrt(0.95 * 0.05 / REPEATS)
    # Counts come in steps, so the band may hold more; a band of everything would hold all.
    assert rates[len(rates) // 2] < 0.985


def test_the_band_ends_where_all_ranks_end() -> None:
    band = rank_band(4, 10)
    assert [level for level, _, _ in band] == pytest.approx([0.2, 0.4, 0.6, 0.8, 1.0])
    assert band[-1] == (1.0, 1.0, 1.0)
    assert all(low <= level <= high for level, low, high in band)
