"""The first page: what there is, what is new, what runs, and what to do next."""

from typing import Any

from sqlalchemy.orm import Session

from deepmed.core.health.monitor import HealthMonitor
from deepmed.core.health.pages import WORDS
from deepmed.core.jobs.ledger import JobLedger
from deepmed.core.jobs.pages import running
from deepmed.features.drawings.analysis import overviews, repository
from deepmed.features.drawings.desk import Desk
from deepmed.features.drawings.models import repository as models
from deepmed.features.drawings.models.kinds import words_of
from deepmed.features.drawings.pages.charts import age_bars
from deepmed.features.drawings.pages.content.tiles import tile
from deepmed.features.drawings.words import name_in_words

RECENT = 12


def content(desk: Desk, ledger: JobLedger, health: HealthMonitor) -> dict[str, Any]:
    owner = desk.home.owner_id
    with desk.home.database.read() as session:
        drawings, _ = repository.totals(session, owner)
        counted = repository.counts(session, owner)
        ages = repository.ages(session, owner)
        recent = overviews.recent(session, owner, RECENT)
        active = _models(session, owner)
        jobs = running(session, ledger)
    analysed = sum(row.number for row in counted)
    return {
        "drawings": drawings,
        "analysed": analysed,
        "flagged": sum(row.number for row in counted if row.is_anomaly),
        "models": active,
        "ages": age_bars(ages) if ages else None,
        "recent": [tile(drawing, row) for row, drawing in recent],
        "jobs": jobs,
        "words": WORDS,
        "alerts": health.get_alerts(health.check_all()),
        "step": _step(drawings, len(active), analysed),
    }


def _models(session: Session, owner_id: int) -> list[dict[str, Any]]:
    return [
        {
            "id": row.id,
            "ages": words_of(row),
            "detector": name_in_words(row.model_type),
            "drawings": row.sample_count,
            "needs_retraining": row.needs_retraining,
        }
        for row in models.active_of_ages(session, owner_id)
    ]


def _step(drawings: int, active: int, analysed: int) -> str | None:
    """What to do next, by the name of the template's part that says it."""
    if not drawings:
        return "upload"
    if not active:
        return "train"
    return None if analysed else "analyse"
