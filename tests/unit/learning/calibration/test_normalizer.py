import numpy as np
import pytest

from deepmed.learning.calibration import (
    CalibrationSet,
    NormalizationConfig,
    ScoreNormalizationError,
    ScoreNormalizer,
    decide,
)


@pytest.fixture
def normalizer() -> ScoreNormalizer:
    random = np.random.default_rng(0)
    return ScoreNormalizer(
        {
            "3-6": CalibrationSet(random.normal(size=30), range(30)),
            "6-9": CalibrationSet(100 + 10 * random.normal(size=50), range(50)),
            "9-12": CalibrationSet([1.0, 2.0], [1, 2]),
        }
    )


@pytest.mark.req("D-10.1")
def test_normalized_scores_are_those_of_the_decision(normalizer: ScoreNormalizer) -> None:
    decision = decide(normalizer.groups["3-6"], 1.2)
    assert normalizer.normalize_score(1.2, "3-6") == decision.normalized_score
    assert normalizer.calculate_confidence(1.2, "3-6") == decision.confidence
    own = decide(normalizer.groups["3-6"], 1.2, child=7)
    assert normalizer.normalize_score(1.2, "3-6", child=7) == own.normalized_score


@pytest.mark.req("D-10.1")
def test_scores_of_different_groups_are_compared_by_rank(normalizer: ScoreNormalizer) -> None:
    middle = float(np.median(normalizer.groups["6-9"].scores))
    compared = normalizer.compare_scores(
        [(middle, "6-9"), (9.0, "3-6"), (-9.0, "3-6"), (middle, "6-9")]
    )
    assert [one.index for one in compared] == [1, 0, 3, 2]
    assert [one.place for one in compared] == [1, 2, 2, 4]
    assert compared[0].decision.is_anomaly


def test_outliers_are_the_flagged_ones(normalizer: ScoreNormalizer) -> None:
    assert normalizer.detect_outliers([0.0, 9.0, -3.0, 8.0], "3-6") == [1, 3]
    assert normalizer.detect_outliers([99.0], "9-12") == []


def test_a_new_rule_is_read_from_the_same_scores(normalizer: ScoreNormalizer) -> None:
    before = normalizer.get_normalization_summary()
    assert before["3-6"].threshold == normalizer.groups["3-6"].threshold(95)
    assert before["3-6"].attained_level == 1 / 31
    assert not before["9-12"].supported
    normalizer.update_normalization_config(percentile=90)
    after = normalizer.get_normalization_summary()
    assert after["3-6"].threshold == normalizer.groups["3-6"].threshold(90)
    assert after["3-6"].attained_level == 3 / 31


def test_a_rule_by_hand_replaces_the_percentile(normalizer: ScoreNormalizer) -> None:
    normalizer.update_normalization_config(manual_threshold=0.5)
    summary = normalizer.get_normalization_summary()["3-6"]
    assert (summary.threshold, summary.attained_level, summary.supported) == (0.5, None, True)
    assert summary.false_alarm_estimate == normalizer.groups["3-6"].p_value(0.5000001)
    assert normalizer.decide(0.6, "3-6").decision == "manual"


def test_clearing_the_cache_shows_a_replaced_calibration(normalizer: ScoreNormalizer) -> None:
    normalizer.get_normalization_summary()
    normalizer.groups["9-12"] = CalibrationSet(range(19), range(19))
    normalizer.clear_cache()
    assert normalizer.get_normalization_summary()["9-12"].supported


@pytest.mark.parametrize(
    "rule",
    [
        {"percentile": 90.0, "manual_threshold": 1.0},
        {"percentile": None, "manual_threshold": None},
        {"percentile": 100.0},
        {"percentile": None, "manual_threshold": float("nan")},
    ],
)
def test_a_rule_is_a_percentile_or_a_threshold(rule: dict[str, float | None]) -> None:
    with pytest.raises(ScoreNormalizationError):
        NormalizationConfig(**rule)


def test_a_refused_rule_leaves_the_old_one(normalizer: ScoreNormalizer) -> None:
    with pytest.raises(ScoreNormalizationError):
        normalizer.update_normalization_config()
    assert normalizer.config == NormalizationConfig(percentile=95.0)


def test_an_unknown_group_is_refused(normalizer: ScoreNormalizer) -> None:
    with pytest.raises(ScoreNormalizationError, match="12-15"):
        normalizer.normalize_score(1.0, "12-15")
