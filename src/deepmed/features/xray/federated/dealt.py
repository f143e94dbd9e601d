"""What each client holds."""

from collections import Counter
from dataclasses import dataclass
from typing import Any

from deepmed.features.xray.preparation import SplitPlan
from deepmed.learning.federated.partition import deal_to_clients, draw_shares
from deepmed.learning.federated.settings import FederatedSettings
from deepmed.learning.imaging.rows import ImageRow

LEAST_TRAINING, LEAST_VALIDATION = 2, 1
"""Patients."""


@dataclass(frozen=True)
class Holding:
    """One client's own images."""

    train: tuple[ImageRow, ...]
    validation: tuple[ImageRow, ...]

    def describe(self) -> dict[str, Any]:
        """Counts, and nobody's name."""
        return {"train": _counts(self.train), "validation": _counts(self.validation)}


def deal(plan: SplitPlan, classes: int, settings: FederatedSettings, seed: int) -> list[Holding]:
    """Training and validation images of each client in the same proportions; nobody gets the test.

    Raises:
        InsufficientDataError: there are too few patients for so many clients.
    """
    alpha = settings.alpha if settings.partition == "dirichlet" else None
    shares = draw_shares(classes, settings.clients, seed, alpha)
    train = deal_to_clients(plan.train, shares, seed, "training", LEAST_TRAINING)
    validation = deal_to_clients(plan.validation, shares, seed, "validation", LEAST_VALIDATION)
    return [Holding(*both) for both in zip(train, validation, strict=True)]


def _counts(rows: tuple[ImageRow, ...]) -> dict[str, Any]:
    labels = Counter(row.label for row in rows)
    return {
        "images": len(rows),
        "patients": len({row.patient for row in rows}),
        "labels": {str(label): count for label, count in sorted(labels.items())},
    }
