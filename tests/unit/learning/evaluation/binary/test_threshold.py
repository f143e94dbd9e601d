import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics

from deepmed.learning.errors import InsufficientDataError
from deepmed.learning.evaluation.binary import confusion_matrix, threshold_steps, youden_threshold

from .conftest import Study

repeatable = settings(deadline=None, derandomize=True, max_examples=100)


def youden(labels: np.ndarray, called: np.ndarray) -> float:
    sensitivity = metrics.recall_score(labels, called)
    return float(sensitivity + metrics.recall_score(labels, called, pos_label=0) - 1)


@pytest.mark.req("X-15.1")
def test_no_threshold_has_a_larger_youden_index(study: Study) -> None:
    scores = study.probabilities
    chosen = youden_threshold(study.labels, scores)
    every = [youden(study.labels, scores >= one) for one in np.unique(scores)]
    assert youden(study.labels, scores >= chosen) == pytest.approx(max(every))
    # The lowest of the best, and no probability lies on it.
    best = np.unique(scores)[np.isclose(every, max(every))].min()
    below = scores[scores < best].max()
    assert chosen == pytest.approx((best + below) / 2)


def test_the_last_digit_of_a_probability_turns_no_decision(study: Study) -> None:
    chosen = youden_threshold(study.labels, study.probabilities)
    counts = [
        confusion_matrix(study.labels, study.probabilities + shift, chosen)
        for shift in (-1e-6, 0.0, 1e-6)
    ]
    assert counts[0] == counts[1] == counts[2]


def test_neighbouring_numbers_are_told_apart() -> None:
    low = 0.5
    high = float(np.nextafter(low, 1))
    assert youden_threshold([0, 1], [low, high]) == high


@pytest.mark.parametrize(
    ("labels", "scores", "reason"),
    [
        ([1, 1], [0.1, 0.2], "both classes"),
        ([0, 1], [0.5, 0.5], "better than chance"),
        ([1, 0], [0.1, 0.9], "better than chance"),
    ],
)
def test_where_there_is_no_threshold_none_is_made_up(
    labels: list[int], scores: list[float], reason: str
) -> None:
    with pytest.raises(InsufficientDataError, match=reason):
        youden_threshold(labels, scores)


@repeatable
@given(
    st.lists(st.tuples(st.integers(0, 1), st.integers(0, 8)), min_size=1, max_size=30),
    st.floats(-0.2, 1.2),
)
def test_the_steps_know_every_confusion_matrix(
    rows: list[tuple[int, int]], threshold: float
) -> None:
    labels = [label for label, _ in rows]
    scores = [score / 8 for _, score in rows]
    assert threshold_steps(labels, scores).at(threshold) == confusion_matrix(
        labels, scores, threshold
    )
