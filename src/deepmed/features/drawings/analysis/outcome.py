"""What an analysis says: an answer with its ranking, or no answer with its reason."""

from dataclasses import dataclass
from typing import Any

from deepmed.features.drawings.models.ranges import AgeRange
from deepmed.features.drawings.tables import AgeGroupModel
from deepmed.learning.calibration.decision import Decision
from deepmed.learning.reference import ReferenceModel, Role

MINIMUM_CELL = 19
"""Other calibration children that a part needs before it is given."""


@dataclass(frozen=True)
class ActiveModel:
    """An active model with its row and range."""

    row: AgeGroupModel
    ages: AgeRange
    model: ReferenceModel


@dataclass(frozen=True)
class Outcome:
    """What will be stored of one drawing's analysis."""

    drawing_id: int
    model_id: int | None
    decision: str
    reason: str | None
    role: Role | None
    ranking: Decision | None
    results: dict[str, Any]
    inputs_hash: str

    @property
    def is_anomaly(self) -> bool:
        return bool(self.ranking and self.ranking.is_anomaly)


def natural_frequency(ranking: Decision) -> dict[str, Any] | None:
    """How many typical drawings in a hundred are flagged as this one would be (D-28)."""
    level = ranking.attained_level if ranking.decision == "ranked" else ranking.false_alarm_estimate
    if level is None:
        return None
    return {
        "of_100_typical_drawings": round(100 * level, 1),
        "children": ranking.n_children,
        "attained_level": level,
    }
