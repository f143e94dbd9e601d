"""How near an exported model comes to the tested one, and what whole numbers cost."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deepmed.features.xray.exports.formats import ExportFormat
from deepmed.features.xray.exports.programs import Ask
from deepmed.features.xray.exports.samples import VALIDATION, Samples
from deepmed.features.xray.runs.reading import StoredRun
from deepmed.features.xray.source.pseudonyms import unit_of
from deepmed.kit import seeds
from deepmed.learning.evaluation.binary import (
    Figure,
    paired_class_differences,
    paired_differences,
)

TOLERANCE = 1e-4
"""Sums in another order, or on another machine, differ in their last digits (X-18)."""
Probabilities = NDArray[np.float64]


@dataclass(frozen=True)
class Parity:
    """An exported model beside the tested one, on the same images."""

    compared_with: str
    images: int
    largest_difference: float
    """Of a probability."""
    tolerance: float | None
    """None where a difference is the price of the form; its cost is then measured."""

    @property
    def holds(self) -> bool:
        return self.tolerance is None or self.largest_difference <= self.tolerance

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def answers(ask: Ask, samples: Samples) -> Probabilities:
    """What the exported model says of each image: (n,) or (n, classes)."""
    return np.array([ask(image)[0] for image in samples.images], dtype=np.float64)


def parity(found: Probabilities, samples: Samples, form: ExportFormat) -> Parity:
    """Compare with what is expected."""
    away = np.abs(found - np.array(samples.expected, dtype=np.float64))
    return Parity(
        samples.what,
        len(found),
        float(np.where(np.isfinite(away), away, np.inf).max()),
        None if form is ExportFormat.INT8 else TOLERANCE,
    )


def cost(run: StoredRun, found: Probabilities, samples: Samples) -> dict[str, Any]:
    """What is lost on images of validation: each figure less that of the tested model.

    Validation fixed the threshold for the tested model, and is where variants are judged; the test
    part is not looked at again (X-15).
    """
    records, full = samples.records, np.array(samples.expected, dtype=np.float64)
    labels, patients = (
        [one["label"] for one in records],
        [one["patient"] for one in records],
    )
    figures = _differences(run, labels, found, full, patients)
    threshold = run.model["operating_point"]["threshold"]
    return {
        "split": VALIDATION,
        "n_items": len(records),
        "n_patients": len(set(patients)),
        "unit": unit_of(patients),
        "decisions_changed": int((_decided(found, threshold) != _decided(full, threshold)).sum()),
        "differences": {name: figure.to_dict() for name, figure in figures.items()},
    }


def _differences(
    run: StoredRun,
    labels: Sequence[int],
    found: Probabilities,
    full: Probabilities,
    patients: Sequence[str],
) -> dict[str, Figure]:
    settings = run.run.configuration
    resamples = settings["evaluation"]["resamples"]
    seed = seeds.derive(settings["system"]["seed"], "export")
    threshold = run.model["operating_point"]["threshold"]
    said: dict[str, Any] = {
        "resamples": resamples,
        "seed": seed,
        "split": VALIDATION,
        "unit": unit_of(patients),
    }
    if threshold is None:
        classes = run.model["classes"]
        return paired_class_differences(labels, found, full, patients, classes, **said)
    return paired_differences(
        labels, found, full, patients, thresholds=(threshold, threshold), **said
    )


def _decided(shares: Probabilities, threshold: float | None) -> NDArray[Any]:
    return shares.argmax(axis=1) if threshold is None else shares >= threshold
