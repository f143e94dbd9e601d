"""Figures of one set of answers, the same for every row of the table."""

import statistics
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from deepmed.learning.evaluation.binary import OperatingPoint, evaluate_binary

MIDDLE = 0.5
FIGURES = ("auroc", "auprc", "accuracy", "sensitivity", "specificity", "f1", "brier", "ece")
UNIT = "image"
"""What intervals are over: the published file names no patients. Where several images are of one
person, intervals are too narrow by that."""
Figures = dict[str, dict[str, Any]]


def at_half(report: Mapping[str, Any], split: str | None = None) -> Figures:
    """Of a report at 0.5 after temperature scaling: each figure with all that is said of it.

    `split` says on what it was measured where the report calls that part otherwise.
    """
    said = {} if split is None else {"split": split}
    return {name: of_images(report["figures"][name]) | said for name in FIGURES}


def of_images(figure: Mapping[str, Any]) -> dict[str, Any]:
    """A figure of a run that took every image for a patient, as one over images."""
    words = {name: figure.get(name) for name in ("unit", "method", "reason")}
    return {
        **figure,
        **{name: one and one.replace("patient", UNIT) for name, one in words.items()},
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
    report = evaluate_binary(
        truth, chances, people, MIDDLE, resamples=resamples, split="test", unit=UNIT
    )
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
