"""Where the whole stands, in the words of the training guide (D-3).

Without a model in use there is nothing to load the learning library for.
"""

from typing import Any

from sqlalchemy.orm import Session

from deepmed.features.drawings.analysis import repository as analyses
from deepmed.features.drawings.models import repository
from deepmed.features.drawings.models.kinds import OF_AGES
from deepmed.features.drawings.models.sufficiency import MINIMUM
from deepmed.features.drawings.tables import AgeGroupModel
from deepmed.features.drawings.workbench import Workbench


def model_status(bench: Workbench, session: Session) -> dict[str, Any]:
    """Numbers of models, drawings and analyses, and one word for all.

    `no_models`: none is in use. `insufficient_data`: one in use has fewer than 10 drawings and too
    few children to flag at its percentile. `ready` otherwise. Models are trained whole or not at
    all, so none is ever half trained or failed.
    """
    rows = repository.all_models(session, bench.owner_id)
    groups = [row for row in rows if row.kind in OF_AGES]
    active = [row for row in groups if row.is_active]
    drawings, made = analyses.totals(session, bench.owner_id)
    return {
        "total_models": len(groups),
        "active_models": len(active),
        "training_models": 0,
        "failed_models": 0,
        "total_drawings": drawings,
        "total_analyses": made,
        "system_status": _word(bench, session, active),
        "last_training": max((row.created_timestamp.isoformat() for row in groups), default=None),
    }


def _word(bench: Workbench, session: Session, active: list[AgeGroupModel]) -> str:
    if not active:
        return "no_models"
    from deepmed.features.drawings.models.manager import ModelManager  # noqa: PLC0415 - see above
    from deepmed.features.drawings.thresholds.manager import (  # noqa: PLC0415 - see above
        ThresholdManager,
    )

    thresholds = ThresholdManager(bench, ModelManager(bench))
    thin = [
        row
        for row in active
        if row.sample_count < MINIMUM and not thresholds.statistics(session, row)["supported"]
    ]
    return "insufficient_data" if thin else "ready"
