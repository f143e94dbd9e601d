"""Figures that a threshold moves are those of the whole report."""

import numpy as np
import pytest

from deepmed.learning.evaluation.binary import evaluate_binary
from deepmed.learning.evaluation.binary.decision import MOVED, evaluate_decision

random = np.random.default_rng(0)
LABELS = random.integers(0, 2, 80)
SHARES = np.clip(random.normal(0.35 + 0.3 * LABELS, 0.2), 0, 1)
PATIENTS = np.arange(80) // 2


@pytest.mark.parametrize("threshold", [0.0, 0.4, 0.55, 1.0])
def test_a_decision_has_the_figures_and_intervals_of_the_report(threshold: float) -> None:
    given = (LABELS, SHARES, PATIENTS, threshold, 0.1)
    whole = evaluate_binary(*given, resamples=100, seed=5)
    found = evaluate_decision(*given, resamples=100, seed=5)
    assert found.confusion == whole.confusion
    assert set(found.figures) == set(MOVED)
    for name in MOVED:
        assert found[name].estimate == whole[name].estimate
        if threshold in {0.4, 0.55}:
            assert (found[name].low, found[name].high) == (whole[name].low, whole[name].high)


def test_without_a_prevalence_there_are_no_predictive_values_for_one() -> None:
    found = evaluate_decision(LABELS, SHARES, PATIENTS, 0.5, resamples=50)
    assert "ppv_at_prevalence" not in found.figures
    assert found["ppv"].estimate is not None
