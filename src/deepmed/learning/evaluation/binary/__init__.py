"""Figures of a classifier with intervals over patients, and what validation fixes for it (X-15)."""

from deepmed.learning.evaluation.binary.abstention import Abstention, Answer
from deepmed.learning.evaluation.binary.comparison import (
    AurocTest,
    delong_test,
    paired_differences,
)
from deepmed.learning.evaluation.binary.confusion import ConfusionMatrix, confusion_matrix
from deepmed.learning.evaluation.binary.decision import DecisionReport, evaluate_decision
from deepmed.learning.evaluation.binary.figures import Figure
from deepmed.learning.evaluation.binary.multiclass import (
    MulticlassReport,
    evaluate_multiclass,
    paired_class_differences,
)
from deepmed.learning.evaluation.binary.operating_point import OperatingPoint
from deepmed.learning.evaluation.binary.probabilities import (
    calibrated,
    correct_prevalence,
    fit_temperature,
    fit_temperature_and_offsets,
)
from deepmed.learning.evaluation.binary.reliability import (
    ReliabilityBin,
    expected_calibration_error,
    reliability_table,
)
from deepmed.learning.evaluation.binary.report import ClassificationReport, evaluate_binary
from deepmed.learning.evaluation.binary.subgroups import Subgroup, age_band, subgroup_table
from deepmed.learning.evaluation.binary.threshold import (
    ThresholdSteps,
    threshold_steps,
    youden_threshold,
)

__all__ = [
    "Abstention",
    "Answer",
    "AurocTest",
    "ClassificationReport",
    "ConfusionMatrix",
    "DecisionReport",
    "Figure",
    "MulticlassReport",
    "OperatingPoint",
    "ReliabilityBin",
    "Subgroup",
    "ThresholdSteps",
    "age_band",
    "calibrated",
    "confusion_matrix",
    "correct_prevalence",
    "delong_test",
    "evaluate_binary",
    "evaluate_decision",
    "evaluate_multiclass",
    "expected_calibration_error",
    "fit_temperature",
    "fit_temperature_and_offsets",
    "paired_class_differences",
    "paired_differences",
    "reliability_table",
    "subgroup_table",
    "threshold_steps",
    "youden_threshold",
]
