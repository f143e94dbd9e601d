"""Figures with intervals over children, and the oracle that recomputes them another way."""

from deepmed.learning.evaluation.auroc import auroc, auroc_interval, paired_difference_interval
from deepmed.learning.evaluation.errors import EvaluationError
from deepmed.learning.evaluation.interval import Interval
from deepmed.learning.evaluation.means import mean_interval, rank_correlation
from deepmed.learning.evaluation.shares import (
    false_alarm_spread,
    observed_false_alarm_spread,
    share_interval,
    wilson_bounds,
    wilson_interval,
)

__all__ = [
    "EvaluationError",
    "Interval",
    "auroc",
    "auroc_interval",
    "false_alarm_spread",
    "mean_interval",
    "observed_false_alarm_spread",
    "paired_difference_interval",
    "rank_correlation",
    "share_interval",
    "wilson_bounds",
    "wilson_interval",
]
