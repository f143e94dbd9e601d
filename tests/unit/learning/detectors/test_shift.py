"""How far a score moves when the embedding moves a little, tried out on every detector."""

from collections.abc import Callable

import numpy as np
import pytest
import torch

from deepmed.learning.detectors import Detector, detector_names
from deepmed.learning.detectors.standardization import FloatArray

Make = Callable[..., Detector]
Rows = np.ndarray[tuple[int, int], np.dtype[np.float32]]
RELATIVE = 1e-4


def radius_of(rows: FloatArray, width: int | None = None) -> FloatArray:
    lengths: FloatArray = RELATIVE * np.linalg.norm(rows[:, :width], axis=1)
    return lengths


def moved(rows: FloatArray, directions: FloatArray, width: int | None = None) -> FloatArray:
    """The rows moved by their whole radius along directions of any length."""
    steps = np.zeros_like(rows)
    steps[:, :width] = directions[:, :width]
    lengths = np.maximum(np.linalg.norm(steps, axis=1), 1e-300)
    result: FloatArray = rows + steps * (radius_of(rows, width) / lengths)[:, None]
    return result


def gradients(detector: Detector, rows: FloatArray) -> FloatArray:
    """By differences, one column at a time."""
    columns = []
    for column in range(rows.shape[1]):
        step = np.zeros(rows.shape[1])
        step[column] = 1e-6
        up, down = (detector.score_samples(rows + sign * step) for sign in (1, -1))
        columns.append((up - down) / 2e-6)
    return np.column_stack(columns)


@pytest.mark.req("D-23.2")
@pytest.mark.parametrize("name", detector_names())
def test_no_move_within_the_radius_moves_the_score_further(
    make: Make, typical: Rows, others: Rows, name: str
) -> None:
    detector, rows = make(name).fit(typical), others.astype(np.float64)
    shift = detector.score_shift(rows, radius_of(rows))
    scores = detector.score_samples(rows)
    random = np.random.default_rng(0)
    ways = [random.normal(size=rows.shape) for _ in range(40)]
    ways += [rows, -rows, gradients(detector, rows), -gradients(detector, rows)]
    for way in ways:
        change = np.abs(detector.score_samples(moved(rows, way)) - scores)
        # To first order: what is left over shrinks with the square of the move.
        assert (change <= 1.01 * shift + 1e-12).all()


@pytest.mark.req("D-23.2")
@pytest.mark.parametrize("name", [one for one in detector_names() if one != "isolation_forest"])
def test_the_move_uphill_comes_that_far(make: Make, typical: Rows, others: Rows, name: str) -> None:
    """The shift is the score's own, not a bound so wide that everything would be borderline."""
    detector, rows = make(name).fit(typical), others.astype(np.float64)
    shift = detector.score_shift(rows, radius_of(rows))
    uphill = detector.score_samples(moved(rows, gradients(detector, rows)))
    assert uphill - detector.score_samples(rows) == pytest.approx(shift, rel=0.02)


@pytest.mark.req("D-23.2")
def test_a_share_of_the_score_would_be_too_little(make: Make, typical: Rows) -> None:
    """Near typical drawings a score is small and moves by far more than its own 1e-4."""
    detector, rows = make("pca").fit(typical), typical.astype(np.float64) * 1.001
    scores = detector.score_samples(rows)
    change = np.abs(detector.score_samples(moved(rows, gradients(detector, rows))) - scores)
    assert (change > RELATIVE * scores).mean() > 0.5
    assert (change <= 1.01 * detector.score_shift(rows, radius_of(rows))).all()


@pytest.mark.req("D-23.2")
@pytest.mark.parametrize("name", detector_names())
def test_only_the_columns_of_the_embedding_move(
    make: Make, typical: Rows, others: Rows, name: str
) -> None:
    """The age is known, not measured."""
    detector, rows = make(name).fit(typical), others.astype(np.float64)
    shift = detector.score_shift(rows, radius_of(rows, 5), width=5)
    assert (shift <= detector.score_shift(rows, radius_of(rows, 5))).all()
    change = detector.score_samples(moved(rows, gradients(detector, rows), 5))
    assert (np.abs(change - detector.score_samples(rows)) <= 1.01 * shift + 1e-12).all()
    assert detector.score_shift(rows, radius_of(rows), width=0).tolist() == [0.0] * len(rows)


@pytest.mark.parametrize("name", detector_names())
def test_a_row_that_does_not_move_keeps_its_score(
    make: Make, typical: Rows, others: Rows, name: str
) -> None:
    detector = make(name).fit(typical)
    assert detector.score_shift(others, np.zeros(len(others))).tolist() == [0.0] * len(others)


def test_it_needs_no_gradient_from_outside(make: Make, typical: Rows, others: Rows) -> None:
    detector = make("knn").fit(typical)
    with torch.no_grad():
        shift = detector.score_shift(others, np.ones(len(others)))
    assert (shift > 0).all()
