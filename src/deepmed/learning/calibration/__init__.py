"""Conformal calibration by child: ranks, p-values, flags and how sure they are."""

from deepmed.learning.calibration.batch import (
    BatchOutlook,
    batch_outlook,
    benjamini_hochberg,
    child_p_values,
    q_values,
    smallest_reachable_q,
)
from deepmed.learning.calibration.conformal import CalibrationSet
from deepmed.learning.calibration.decision import (
    Decision,
    DecisionKind,
    decide,
    decision_confidence,
    in_sample_decision,
    ranked_only,
)
from deepmed.learning.calibration.errors import ScoreNormalizationError
from deepmed.learning.calibration.level import (
    attainable_rank,
    exact_level,
    is_flagged,
    level_of,
    normalized_score,
)
from deepmed.learning.calibration.normalizer import (
    GroupSummary,
    NormalizationConfig,
    ScoreComparison,
    ScoreNormalizer,
)
from deepmed.learning.calibration.rounding import round_score, round_scores
from deepmed.learning.calibration.simulation import SimulationResult, simulate_false_alarms
from deepmed.learning.calibration.split import (
    ChildSplit,
    calibration_size,
    even_calibration,
    split_children,
    twin_split,
)

__all__ = [
    "BatchOutlook",
    "CalibrationSet",
    "ChildSplit",
    "Decision",
    "DecisionKind",
    "GroupSummary",
    "NormalizationConfig",
    "ScoreComparison",
    "ScoreNormalizationError",
    "ScoreNormalizer",
    "SimulationResult",
    "attainable_rank",
    "batch_outlook",
    "benjamini_hochberg",
    "calibration_size",
    "child_p_values",
    "decide",
    "decision_confidence",
    "even_calibration",
    "exact_level",
    "in_sample_decision",
    "is_flagged",
    "level_of",
    "normalized_score",
    "q_values",
    "ranked_only",
    "round_score",
    "round_scores",
    "simulate_false_alarms",
    "smallest_reachable_q",
    "split_children",
    "twin_split",
]
