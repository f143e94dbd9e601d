"""What a comparison of detectors found, ready to be shown and stored."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from deepmed.learning.detectors.folds import Folds, Ranks
from deepmed.learning.evaluation import Interval
from deepmed.learning.evaluation.bootstrap import MINIMUM_CHILDREN


@dataclass(frozen=True)
class Figure:
    """An AUROC.

    Attributes:
        auroc: 0 to 1; 0.5 is chance.
        interval: Its child-bootstrap interval; None with fewer than five children.
        planted: Number of planted anomalies in it.
    """

    auroc: float
    interval: Interval | None
    planted: int

    def to_dict(self) -> dict[str, Any]:
        """Ready for JSON; without an interval the reason says why."""
        interval = self.interval.to_dict() if self.interval else None
        reason = None if interval else f"An interval needs at least {MINIMUM_CHILDREN} children."
        return {
            "auroc": self.auroc,
            "interval": interval,
            "reason": reason,
            "planted": self.planted,
        }


@dataclass(frozen=True)
class SelectionRow:
    """One detector, or one kind of plain features, in the comparison.

    Attributes:
        name: Name of the detector or of the features.
        role: Whether it could be chosen (``detector``) or only stands beside (``reference``).
        overall: AUROC over all planted anomalies.
        by_kind: AUROC for each kind of them.
    """

    name: str
    role: Literal["detector", "reference"]
    overall: Figure
    by_kind: Mapping[str, Figure]

    def to_dict(self) -> dict[str, Any]:
        """Ready for JSON."""
        kinds = {kind: figure.to_dict() for kind, figure in self.by_kind.items()}
        return {
            "name": self.name,
            "role": self.role,
            "overall": self.overall.to_dict(),
            "by_kind": kinds,
        }


@dataclass(frozen=True)
class SelectionReport:
    """The choice of a default detector, and what it rests on.

    Attributes:
        chosen: Name of the chosen detector.
        reason: Why, in words.
        lead: AUROC of the autoencoder minus that of the best simple detector; None where one of
            the two is missing or there are fewer than five children.
        rows: Detectors in the order given, then references.
        folds: Number of folds by child.
        children: Number of children.
        drawings: Number of drawings (negatives).
        planted: Number of planted anomalies scored (positives).
        left_out: Number of planted anomalies that no fold could score.
        autoencoder: Training settings of the autoencoder in the folds.
        seed: Seed of the comparison.
        dealt: Who was held out when; not among what is shown.
        ranks: Every row's places and scores by fold, by its name; not among what is shown.
    """

    chosen: str
    reason: str
    lead: Interval | None
    rows: Mapping[str, SelectionRow]
    folds: int
    children: int
    drawings: int
    planted: int
    left_out: int
    autoencoder: Mapping[str, Any]
    seed: int
    dealt: Folds = field(compare=False, repr=False)
    ranks: Mapping[str, Ranks] = field(compare=False, repr=False)

    def to_dict(self) -> dict[str, Any]:
        """Ready for JSON."""
        plain = vars(self) | {
            "lead": self.lead.to_dict() if self.lead else None,
            "rows": [row.to_dict() for row in self.rows.values()],
            "autoencoder": dict(self.autoencoder),
        }
        return {name: value for name, value in plain.items() if name not in {"dealt", "ranks"}}
