"""What is said about one score: flag, rank, p, confidence, or why nothing is said."""

from collections.abc import Hashable
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from scipy import special

from deepmed.learning.calibration.conformal import CalibrationSet
from deepmed.learning.calibration.level import (
    conformal_p,
    is_flagged,
    level_of,
    normalized_score,
)
from deepmed.learning.calibration.rounding import round_score

DecisionKind = Literal["ranked", "not_supported", "manual", "in_sample"]

BORDERLINE = 1e-4
"""Embedding anew on other hardware moves an embedding by up to this share of its length."""


@dataclass(frozen=True, kw_only=True)
class Decision:
    """One drawing's place among the comparison children, and what follows from it.

    `is_anomaly` is true exactly where `score > threshold`; except for a manual threshold that is
    also exactly where `normalized_score >= percentile`.

    >>> decide(CalibrationSet(range(19), range(19)), 99.0).is_anomaly
    True
    """

    decision: DecisionKind
    """`ranked`; `not_supported`: too few children for the percentile; `manual`: a threshold set by
    hand; `in_sample`: the model was fitted on this child, and there is no twin, or the threshold
    was set by hand, which is on the model's scale and not on the twin's."""
    is_anomaly: bool
    score: float | None
    """At ten significant digits, as it was ranked."""
    p_value: float | None
    normalized_score: float | None
    """100 * (1 - p), 0 to below 100."""
    threshold: float | None
    """Of the ranking used; null where the percentile is not supported."""
    percentile: float | None
    """Null where the threshold was set by hand."""
    n_children: int | None
    """Comparison children of the ranking used, the own child not among them."""
    count_at_or_above: float | None
    """Of these, how many score at or above (a child counts by the share of its drawings)."""
    confidence: float | None
    """How sure the decision is, given so many children; never the probability of a problem."""
    confidence_reason: str | None
    """Why there is no confidence; null where there is one."""
    attained_level: float | None
    """The share of new typical drawings that this ranking flags."""
    highest_percentile: float | None
    """The highest percentile that so many children support."""
    false_alarm_estimate: float | None
    """For a manual threshold: the p of a score just above it."""
    own_child_left_out: bool
    borderline: bool
    """So close to the threshold that other hardware could decide otherwise."""
    reason: str | None
    """Why nothing could be flagged; null where the decision stands."""

    @property
    def undecided(self) -> bool:
        """Whether so few children leave the decision open (confidence below one half).

        >>> decide(CalibrationSet(range(19), range(19)), 99.0).undecided
        False
        """
        return self.confidence is not None and self.confidence < 0.5

    def to_dict(self) -> dict[str, Any]:
        """All fields, ready for JSON.

        >>> in_sample_decision("No twin.").to_dict()["reason"]
        'No twin.'
        """
        return asdict(self)


def decide(
    calibration: CalibrationSet,
    score: float,
    percentile: float = 95.0,
    child: Hashable | None = None,
    manual_threshold: float | None = None,
    *,
    borderline_tolerance: float = BORDERLINE,
    shift: float = 0.0,
) -> Decision:
    """Decide on one drawing.

    Args:
        calibration: The model's (or its twin's) calibration children.
        score: The drawing's score, higher is more unusual.
        percentile: Flag above this percentile of typical drawings; not used with a manual
            threshold.
        child: The drawing's child where it is itself among the calibration children: it is left
            out, and the drawing is ranked against the others. None for a new child.
        manual_threshold: Flag scores greater than this one instead.
        borderline_tolerance: Relative distance to the threshold that counts as borderline.
        shift: How far this very score moves when its embedding is made anew on other hardware, in
            the unit of the score; within it the decision is borderline too.

    Raises:
        ScoreNormalizationError: The score is not finite, the percentile is not between 0 and 100,
            or `child` does not calibrate.

    >>> calibration = CalibrationSet(range(39), range(39))
    >>> decide(calibration, 37.5).p_value, decide(calibration, 37.5).is_anomaly
    (0.05, True)
    >>> decide(calibration, 38, child=38).n_children
    38
    """
    ranking = calibration if child is None else calibration.without_child(child)
    rounded = round_score(score)
    count, n = ranking.count(rounded)
    normalized = normalized_score(count, n)
    if manual_threshold is None:
        verdict = _by_percentile(ranking, normalized, percentile, count)
    else:
        verdict = _by_hand(ranking, rounded, round_score(manual_threshold))
    threshold = verdict["threshold"]
    return Decision(
        score=rounded,
        p_value=conformal_p(count, n),
        normalized_score=normalized,
        n_children=n,
        count_at_or_above=count,
        highest_percentile=ranking.highest_percentile(),
        own_child_left_out=child is not None,
        borderline=threshold is not None
        and abs(rounded - threshold) <= max(borderline_tolerance * abs(threshold), shift),
        **verdict,
    )


def in_sample_decision(reason: str) -> Decision:
    """The answer for a child on which the model was fitted, where there is no twin: no flag.

    >>> in_sample_decision("The model was fitted on this child.").is_anomaly
    False
    """
    return Decision(
        decision="in_sample",
        is_anomaly=False,
        score=None,
        p_value=None,
        normalized_score=None,
        threshold=None,
        percentile=None,
        n_children=None,
        count_at_or_above=None,
        confidence=None,
        confidence_reason=reason,
        attained_level=None,
        highest_percentile=None,
        false_alarm_estimate=None,
        own_child_left_out=False,
        borderline=False,
        reason=reason,
    )


def ranked_only(decision: Decision, reason: str) -> Decision:
    """The same score with its rank where no rule may flag it.

    >>> ranked = decide(CalibrationSet(range(19), range(19)), 99.0)
    >>> only = ranked_only(ranked, "The threshold is on another scale.")
    >>> only.is_anomaly, only.p_value == ranked.p_value
    (False, True)
    """
    return replace(
        decision,
        decision="in_sample",
        is_anomaly=False,
        threshold=None,
        percentile=None,
        confidence=None,
        confidence_reason=reason,
        attained_level=None,
        false_alarm_estimate=None,
        borderline=False,
        reason=reason,
    )


def decision_confidence(level: float, count: float, n: int, *, flagged: bool) -> float:
    """How sure the decision is: Beta(m + 1, n - m + 1) below alpha when flagged, above it when not.

    It is the posterior, under a uniform prior, of the share of typical children whose drawing
    scores at least as high, when m of n comparison children do.

    Args:
        level: alpha, a share.
        count: m, comparison children at or above the score.
        n: Comparison children.
        flagged: The decision.

    >>> round(decision_confidence(0.05, 0.0, 19, flagged=True), 4)
    0.6415
    """
    tail = special.betainc if flagged else special.betaincc
    return float(tail(count + 1, n - count + 1, level))


def _by_percentile(
    ranking: CalibrationSet, normalized: float, percentile: float, count: float
) -> dict[str, Any]:
    n = ranking.n_children
    threshold = ranking.threshold(percentile)
    supported = threshold is not None
    flagged = is_flagged(normalized, percentile)
    reason = None if supported else _too_few(n, percentile, ranking.highest_percentile())
    return {
        "decision": "ranked" if supported else "not_supported",
        "is_anomaly": flagged,
        "threshold": threshold,
        "percentile": float(percentile),
        "attained_level": None if threshold is None else ranking.p_just_above(threshold),
        "confidence": decision_confidence(level_of(percentile), count, n, flagged=flagged)
        if supported
        else None,
        "confidence_reason": reason,
        "false_alarm_estimate": None,
        "reason": reason,
    }


def _by_hand(ranking: CalibrationSet, score: float, threshold: float) -> dict[str, Any]:
    return {
        "decision": "manual",
        "is_anomaly": score > threshold,
        "threshold": threshold,
        "percentile": None,
        "attained_level": None,
        "confidence": None,
        "confidence_reason": "A threshold set by hand has no percentile to be sure about.",
        "false_alarm_estimate": ranking.p_just_above(threshold),
        "reason": None,
    }


def _too_few(n: int, percentile: float, highest: float | None) -> str:
    supported = "no percentile" if highest is None else f"at most the percentile {highest:.6g}"
    return f"{n} comparison children support {supported}, not {percentile:g}; nothing is flagged."
