"""Train a run again from its recipe and say how far the scores agree (V-6)."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from deepmed.features.drawings.models.config import GroupTrainingConfig
from deepmed.features.drawings.models.eligibility import find
from deepmed.features.drawings.models.recipe import data_hash
from deepmed.features.drawings.workbench import Workbench
from deepmed.kit.errors import ConflictError
from deepmed.learning.reference import GroupPlan, Half, ReferenceModel, Rows, fit_reference

TOLERANCE = 1e-6


@dataclass(frozen=True)
class Reproduction:
    """How a second training compares with the first."""

    compared_scores: int
    largest_difference: float
    """Largest relative difference of a calibration score, the model's or its twin's."""
    agrees: bool
    same_data: bool

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def reproduce(
    bench: Workbench, session: Session, model: ReferenceModel, recipe: dict[str, Any]
) -> Reproduction:
    """Fit the stored plan again with the stored settings and compare every calibration score.

    Raises:
        ConflictError: drawings of the plan are gone or may not train any more.
    """
    eligible = find(session, bench.embeddings, model.encoder)
    config = GroupTrainingConfig.model_validate(recipe["config"], strict=False)
    plan = GroupPlan(
        _half(eligible.rows, recipe["model"]),
        _half(eligible.rows, recipe["twin"]) if recipe["twin"] else None,
    )
    again = fit_reference(plan, model.model.detector.name, model.encoder, model.layout, config.seed)
    first, second = _scores(model), _scores(again)
    scale = np.maximum(np.abs(first), np.finfo(np.float64).tiny)
    largest = float((np.abs(first - second) / scale).max(initial=0.0))
    return Reproduction(
        compared_scores=len(first),
        largest_difference=largest,
        agrees=largest <= TOLERANCE,
        same_data=data_hash(plan, eligible.vector_hashes) == recipe["data_hash"],
    )


def _scores(model: ReferenceModel) -> NDArray[np.float64]:
    halves = [model.model, *([model.twin] if model.twin else [])]
    return np.concatenate([half.calibration.scores for half in halves])


def _half(rows: Rows, parts: dict[str, list[int]]) -> Half:
    return Half(*(_pick(rows, parts[name]) for name in ("fit", "borrowed", "calibration")))


def _pick(rows: Rows, drawings: list[int]) -> Rows:
    place = {drawing: index for index, drawing in enumerate(rows.drawings.tolist())}
    missing = sorted(set(drawings) - set(place))
    if missing:
        raise ConflictError(
            f"{len(missing)} drawings of this run are gone or may not train any more, so it "
            "cannot be reproduced. Nothing was changed."
        )
    return rows.take(np.array([place[drawing] for drawing in drawings], dtype=np.int64))
