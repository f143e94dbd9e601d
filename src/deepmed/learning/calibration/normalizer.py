"""Scores of different age groups on one scale: each group's own calibration children."""

from bisect import bisect_left
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass

from numpy.typing import ArrayLike

from deepmed.learning.calibration.conformal import CalibrationSet
from deepmed.learning.calibration.decision import Decision, decide
from deepmed.learning.calibration.errors import ScoreNormalizationError
from deepmed.learning.calibration.level import exact_level
from deepmed.learning.calibration.rounding import round_score, round_scores


@dataclass(frozen=True, kw_only=True)
class NormalizationConfig:
    """The flagging rule: a percentile, or a threshold set by hand, never both.

    Raises:
        ScoreNormalizationError: Both or neither are given, or one is out of its range.

    >>> NormalizationConfig().percentile
    95.0
    >>> NormalizationConfig(percentile=None, manual_threshold=0.4).manual_threshold
    0.4
    """

    percentile: float | None = 95.0
    manual_threshold: float | None = None

    def __post_init__(self) -> None:
        if (self.percentile is None) == (self.manual_threshold is None):
            raise ScoreNormalizationError("Give a percentile or a threshold set by hand, not both.")
        if self.percentile is not None:
            exact_level(self.percentile)
        if self.manual_threshold is not None:
            round_score(self.manual_threshold)


@dataclass(frozen=True, kw_only=True)
class GroupSummary:
    """What a group's calibration children allow under the present rule."""

    n_children: int
    n_drawings: int
    threshold: float | None
    attained_level: float | None
    false_alarm_estimate: float | None
    highest_percentile: float | None
    supported: bool


@dataclass(frozen=True, kw_only=True)
class ScoreComparison:
    """A score's place among scores of any groups; place 1 is the most unusual, ties share it."""

    place: int
    index: int
    group: Hashable
    decision: Decision


class ScoreNormalizer:
    """Ranks raw scores against their group's calibration children.

    Args:
        groups: Each group's calibration set.
        config: The flagging rule; the 95th percentile if not given.

    >>> normalizer = ScoreNormalizer({"3-6": CalibrationSet(range(19), range(19))})
    >>> normalizer.normalize_score(100.0, "3-6")
    95.0
    >>> normalizer.detect_outliers([3.0, 100.0], "3-6")
    [1]
    """

    def __init__(
        self,
        groups: Mapping[Hashable, CalibrationSet],
        config: NormalizationConfig | None = None,
    ) -> None:
        self.groups = dict(groups)
        self.config = config or NormalizationConfig()
        self._summaries: dict[Hashable, GroupSummary] = {}

    def decide(self, raw_score: float, group: Hashable, child: Hashable | None = None) -> Decision:
        """The whole decision on a score; `child` as in `calibration.decide`.

        Raises:
            ScoreNormalizationError: The group is unknown, or the score is not finite.
        """
        return decide(
            self._group(group),
            raw_score,
            percentile=95.0 if self.config.percentile is None else self.config.percentile,
            child=child,
            manual_threshold=self.config.manual_threshold,
        )

    def normalize_score(
        self, raw_score: float, group: Hashable, child: Hashable | None = None
    ) -> float:
        """100 * (1 - p) among the group's calibration children, 0 to below 100."""
        return self._group(group).normalized_score(raw_score, without=child)

    def calculate_confidence(
        self, raw_score: float, group: Hashable, child: Hashable | None = None
    ) -> float | None:
        """How sure the decision is, 0 to 1; None where there is none to be sure about."""
        return self.decide(raw_score, group, child).confidence

    def compare_scores(
        self, scores_and_groups: Sequence[tuple[float, Hashable]]
    ) -> list[ScoreComparison]:
        """Scores of any groups, the most unusual within its own group first.

        Args:
            scores_and_groups: (raw score, group) of drawings of new children.
        """
        decisions = [self.decide(score, group) for score, group in scores_and_groups]
        unusual = [-(decision.normalized_score or 0.0) for decision in decisions]
        in_order = sorted(unusual)
        return [
            ScoreComparison(
                place=1 + bisect_left(in_order, unusual[index]),
                index=index,
                group=scores_and_groups[index][1],
                decision=decisions[index],
            )
            for index in sorted(range(len(unusual)), key=unusual.__getitem__)
        ]

    def detect_outliers(self, scores: ArrayLike, group: Hashable) -> list[int]:
        """Positions of the scores that are flagged, as drawings of new children."""
        return [
            index
            for index, score in enumerate(round_scores(scores).tolist())
            if self.decide(score, group).is_anomaly
        ]

    def get_normalization_summary(self) -> dict[Hashable, GroupSummary]:
        """What each group's calibration allows under the present rule; kept until it changes."""
        for group in self.groups.keys() - self._summaries.keys():
            self._summaries[group] = self._summarize(self.groups[group])
        return {group: self._summaries[group] for group in self.groups}

    def update_normalization_config(
        self, *, percentile: float | None = None, manual_threshold: float | None = None
    ) -> NormalizationConfig:
        """Put another rule in force; scores need no recomputation, only their ranking is re-read.

        Raises:
            ScoreNormalizationError: Both or neither are given; the old rule stays.
        """
        self.config = NormalizationConfig(percentile=percentile, manual_threshold=manual_threshold)
        self.clear_cache()
        return self.config

    def clear_cache(self) -> None:
        """Forget the summaries, for example after a group's calibration set was replaced."""
        self._summaries.clear()

    def _group(self, group: Hashable) -> CalibrationSet:
        if group not in self.groups:
            raise ScoreNormalizationError(f"There is no calibration for the group {group!r}.")
        return self.groups[group]

    def _summarize(self, calibration: CalibrationSet) -> GroupSummary:
        percentile, by_hand = self.config.percentile, self.config.manual_threshold
        threshold = by_hand if percentile is None else calibration.threshold(percentile)
        return GroupSummary(
            n_children=calibration.n_children,
            n_drawings=len(calibration),
            threshold=threshold,
            attained_level=None if percentile is None else calibration.attained_level(percentile),
            false_alarm_estimate=None if by_hand is None else calibration.p_just_above(by_hand),
            highest_percentile=calibration.highest_percentile(),
            supported=threshold is not None,
        )
