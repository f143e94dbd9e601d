import numpy as np
import pytest
from sklearn.calibration import calibration_curve

from deepmed.learning.evaluation.binary import expected_calibration_error, reliability_table

from .conftest import Study


@pytest.mark.req("X-15.3")
def test_the_table_is_scikit_learns_curve_and_holds_every_image(study: Study) -> None:
    scores = study.probabilities * 0.999  # a value on an edge belongs to the other bin there
    rows = reliability_table(study.labels, scores, 10)
    filled = [row for row in rows if row.n]
    observed, stated = calibration_curve(study.labels, scores, n_bins=10)
    assert [row.observed for row in filled] == pytest.approx(observed)
    assert [row.stated for row in filled] == pytest.approx(stated)
    assert sum(row.n for row in rows) == len(study.labels)
    error = sum(row.n * abs(row.gap) for row in filled if row.gap is not None)
    assert expected_calibration_error(study.labels, scores, 10) == pytest.approx(
        error / len(study.labels)
    )


def test_an_empty_bin_states_nothing() -> None:
    empty, full = reliability_table([1, 1], [0.9, 1.0], 2)
    assert (empty.n, empty.stated, empty.observed, empty.gap) == (0, None, None, None)
    assert full.gap == pytest.approx(0.05)
    assert expected_calibration_error(np.ones(2), [0.9, 1.0], 2) == pytest.approx(0.05)
