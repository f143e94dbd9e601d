import json

import numpy as np
import pytest
from scipy import special

from deepmed.learning.evaluation import EvaluationError
from deepmed.learning.evaluation.binary import (
    Abstention,
    OperatingPoint,
    fit_temperature,
    youden_threshold,
)

from .conftest import Study, make_study


@pytest.mark.req("X-15.1")
def test_validation_fixes_temperature_and_threshold(study: Study) -> None:
    point = OperatingPoint.fit(study.logits, study.labels, study.patients)
    assert point.temperature == fit_temperature(study.logits, study.labels)
    chances = special.expit(study.logits / point.temperature)
    assert point.probabilities(study.logits) == pytest.approx(chances)
    assert point.threshold == pytest.approx(youden_threshold(study.labels, chances))
    assert point.shares[1] == study.labels.mean()
    assert point.notes == ()
    stored = json.loads(json.dumps(point.to_dict()))
    assert OperatingPoint.from_dict(stored) == point


@pytest.mark.req("X-15.1")
def test_where_training_weighted_classes_the_probability_is_right_all_the_same(
    study: Study,
) -> None:
    moved = study.logits + 2
    point = OperatingPoint.fit(moved, study.labels, study.patients, classes_weighted=True)
    assert point.probabilities(moved).mean() == pytest.approx(study.labels.mean(), abs=1e-9)
    assert point.is_calibrated
    assert point.threshold is not None
    plain = OperatingPoint.fit(study.logits, study.labels, study.patients, classes_weighted=True)
    assert point.threshold == pytest.approx(plain.threshold)
    assert OperatingPoint.from_dict(json.loads(json.dumps(point.to_dict()))) == point
    perfect = OperatingPoint.fit([1.0, 2.0, 3.0], [0, 0, 1], range(3), classes_weighted=True)
    assert not perfect.is_calibrated
    assert "not calibrated" in perfect.notes[0]


def test_what_validation_cannot_say_is_noted() -> None:
    perfect = OperatingPoint.fit([-1.0, -2.0, 1.0, 2.0], [0, 0, 1, 1], range(4))
    assert perfect.temperature == 1.0
    assert "without an error" in perfect.notes[0]
    inverted = OperatingPoint.fit([1.0, 2.0, -1.0, -2.0], [0, 0, 1, 1], range(4))
    assert inverted.threshold == 0.5
    assert len(inverted.notes) == 2


def test_several_classes_have_no_threshold() -> None:
    random = np.random.default_rng(0)
    labels = random.integers(0, 3, 90)
    logits = random.normal(size=(90, 3)) + 2 * np.eye(3)[labels]
    point = OperatingPoint.fit(logits, labels, range(90))
    assert point.threshold is None
    answer = point.answer(point.probabilities(logits)[0])
    assert answer.decision == logits[0].argmax()
    with pytest.raises(EvaluationError, match="two classes"):
        point.abstention.band(0.5)


@pytest.mark.req("X-17.1")
def test_a_class_is_lost_as_rarely_as_stated_by_new_patients() -> None:
    """Each class by itself, also where a patient has several images and the model is poor."""
    lost: dict[int, list[bool]] = {0: [], 1: []}
    for seed in range(60):
        known, new = make_study(60, seed, 0.4), make_study(60, 500 + seed, 0.4)
        rule = Abstention.fit(known.labels, known.probabilities, known.patients, 80.0)
        _, first = np.unique(new.patients, return_index=True)
        for image in first:
            chance, label = float(new.probabilities[image]), int(new.labels[image])
            lost[label].append(label not in rule.possible([1 - chance, chance]))
    for label, misses in lost.items():
        assert np.mean(misses) < 0.2 + 3 * np.sqrt(0.16 / 60 / 10), label
        assert np.mean(misses) > 0.1, label


@pytest.mark.req("X-17.1")
def test_no_answer_is_given_within_the_band_and_one_outside(study: Study) -> None:
    point = OperatingPoint.fit(study.logits, study.labels, study.patients)
    assert point.threshold is not None
    low, high = point.abstention.band(point.threshold)
    assert low < point.threshold < high
    for chance in np.linspace(0, 1, 401):
        answer = point.answer(chance)
        if low + 1e-9 < chance < high - 1e-9:
            assert answer.abstains, chance
            assert answer.reason
        elif not low - 1e-9 < chance < high + 1e-9:
            assert not answer.abstains, chance
            assert answer.decision == (chance >= point.threshold)


def test_each_reason_is_told_apart() -> None:
    overlap = Abstention((0.7, 0.7), (20, 20), 90.0)
    assert overlap.band(0.5) == pytest.approx((0.3, 0.7))
    assert "Two classes" in str(overlap.answer(0.5, 0.5).reason)
    gap = Abstention((0.3, 0.3), (20, 20), 90.0)
    assert gap.band(0.5) == pytest.approx((0.3, 0.7))
    assert "No class" in str(gap.answer(0.5, 0.5).reason)
    low_threshold = Abstention((0.3, 0.5), (20, 20), 90.0)
    assert "threshold decides" in str(low_threshold.answer(0.2, 0.1).reason)
    three = Abstention((0.9, 0.9, 0.9), (20, 20, 20), 90.0)
    assert "3 classes" in str(three.answer_classes([0.4, 0.3, 0.3]).reason)
    with pytest.raises(EvaluationError, match="3 classes need"):
        three.answer(0.5, 0.5)


def test_too_few_patients_rule_nothing_out() -> None:
    rule = Abstention.fit([0] * 8 + [1] * 9, [0.1] * 8 + [0.9] * 9, range(17))
    assert rule.cuts[0] is None
    assert rule.cuts[1] == pytest.approx(0.1)
    assert rule.answer(0.95, 0.5).abstains  # class 0 cannot be ruled out
    assert rule.band(0.5)[1] == 1.0
