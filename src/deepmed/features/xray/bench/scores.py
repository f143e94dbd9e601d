"""Figures of one set of answers, the same for every row of the table."""

import statistics
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from deepmed.learning.evaluation.binary import OperatingPoint, evaluate_binary

MIDDLE = 0.5
FIGURES = ("auroc", "auprc", "accuracy", "sensitivity", "specificity", "f1", "brier", "ece")
Figures = dict[str, dict[str, Any]]


def at_half(report: Mapping[str, Any]) -> Figures:
    """Of a report at 0.5 after temperature scaling: each figure with its interval."""
    return {
        name: {end: report["figures"][name][end] for end in ("estimate", "low", "high")}
        for name in FIGURES
    }


def of_logits(
    validation: tuple[ArrayLike, ArrayLike], test: tuple[ArrayLike, ArrayLike], *, resamples: int
) -> tuple[OperatingPoint, Figures]:
    """Temperature from validation, figures from the test part; each is (logits, labels)."""
    logits, labels = validation
    point = OperatingPoint.fit(logits, labels, range(len(np.asarray(labels))))
    tested, truth = test
    chances = point.probabilities(tested)
    people = range(len(chances))
    report = evaluate_binary(truth, chances, people, MIDDLE, resamples=resamples, split="test")
    return point, at_half(report.to_dict())


def spread(rows: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, float | None]]:
    """Over seeds, of each figure: mean, deviation, and its ends."""
    return {name: of_values([row[name]["estimate"] for row in rows]) for name in FIGURES}


def of_values(values: Sequence[float]) -> dict[str, float | None]:
    """Mean and spread; one value alone has no deviation.

    >>> of_values([0.5, 1.0])["mean"]
    0.75
    """
    return {
        "mean": statistics.fmean(values),
        "deviation": statistics.stdev(values) if len(values) > 1 else None,
        "lowest": min(values),
        "highest": max(values),
    }
