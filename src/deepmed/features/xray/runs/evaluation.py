"""Validation fixes threshold and calibration; then the test part is looked at once (X-15)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from deepmed.features.xray.configuration.models import EvaluationSection, XrayConfig
from deepmed.features.xray.runs.scored import ScoredPart
from deepmed.features.xray.source.pseudonyms import unit_of
from deepmed.kit import seeds
from deepmed.learning.evaluation.binary import (
    OperatingPoint,
    evaluate_binary,
    evaluate_multiclass,
    subgroup_table,
)

MIDDLE = 0.5
WEIGHTING = ("weighted", "focal")
"""Losses by which classes have another say than their share of images."""
VALIDATION, TEST = "validation", "test"


@dataclass(frozen=True)
class Evaluation:
    """What validation fixed, and the figures of the two parts; `test` is null without images."""

    point: OperatingPoint
    validation: dict[str, Any]
    test: dict[str, Any] | None

    def to_dict(self) -> dict[str, Any]:
        return {
            "operating_point": self.point.to_dict(),
            "validation": self.validation,
            "test": self.test,
            "test_reason": None if self.test else "The split has no test part.",
        }


def fix_operating_point(validation: ScoredPart, config: XrayConfig) -> OperatingPoint:
    """Calibration, threshold by Youden's index, and abstention: from validation alone.

    Weights of classes, and the focus on hard images, move what a network says of each class; no
    temperature moves it back.
    """
    return OperatingPoint.fit(
        validation.logits,
        validation.labels,
        validation.patients,
        config.evaluation.abstention_percentile,
        classes_weighted=config.experiment.loss in WEIGHTING,
    )


def evaluate(
    point: OperatingPoint,
    validation: ScoredPart,
    test: ScoredPart | None,
    *,
    classes: Sequence[str],
    settings: EvaluationSection,
    seed: int,
) -> Evaluation:
    """All figures, with intervals over patients, or over images where nobody knows whose."""

    def of(part: ScoredPart, split: str) -> dict[str, Any]:
        return figures(point, part, classes=classes, settings=settings, seed=seed, split=split)

    return Evaluation(point, of(validation, VALIDATION), None if test is None else of(test, TEST))


def figures(
    point: OperatingPoint,
    part: ScoredPart,
    *,
    classes: Sequence[str],
    settings: EvaluationSection,
    seed: int,
    split: str,
) -> dict[str, Any]:
    """Of one part: the report at the threshold, of two classes also at 0.5 and by subgroup."""
    shares = point.probabilities(part.logits)
    common = {
        "resamples": settings.resamples,
        "seed": seeds.derive(seed, split),
        "split": split,
        "unit": unit_of(part.patients),
    }
    if point.threshold is None:
        report = evaluate_multiclass(part.labels, shares, part.patients, classes, **common)  # type: ignore[arg-type] # one dict for both
        return {"report": report.to_dict()}
    given = (part.labels, shares, part.patients)
    prevalence = settings.prevalence
    at_threshold = evaluate_binary(*given, point.threshold, prevalence, **common)  # type: ignore[arg-type] # likewise
    at_half = evaluate_binary(*given, MIDDLE, prevalence, **common)  # type: ignore[arg-type] # likewise
    groups = subgroup_table(
        *given,
        point.threshold,
        part.attributes,
        prevalence=prevalence,
        **common,  # type: ignore[arg-type] # likewise
    )
    return {
        "report": at_threshold.to_dict(),
        "at_half": at_half.to_dict(),
        "subgroups": [group.to_dict() for group in groups],
    }
