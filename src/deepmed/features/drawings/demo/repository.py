from collections.abc import Sequence

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from deepmed.core.datasets.tables import Dataset
from deepmed.features.drawings.analysis.repository import newest_of
from deepmed.features.drawings.demo.datasets import PLANTED_DATASET, TYPICAL_DATASET
from deepmed.features.drawings.tables import AnomalyAnalysis, Drawing, InterpretabilityResult

Answered = tuple[AnomalyAnalysis, Drawing]


def answered(session: Session, owner_id: int, limit: int) -> list[Answered]:
    """Drawings with a rank and their newest answers, newest first.

    Those of the demo where it brought any, else all of the owner's.
    """
    order = (AnomalyAnalysis.analysis_timestamp.desc(), AnomalyAnalysis.id.desc())
    query = _ranked(session, owner_id).order_by(*order).limit(limit)
    return [(row[0], row[1]) for row in session.execute(query)]


def one(session: Session, owner_id: int, drawing_id: int) -> Answered | None:
    """The same for one drawing; None where it is none of those."""
    found = session.execute(_ranked(session, owner_id).where(Drawing.id == drawing_id)).first()
    return (found[0], found[1]) if found else None


def explained(
    session: Session, analysis_ids: Sequence[int], method: str
) -> dict[int, InterpretabilityResult]:
    """The stored explanations of these analyses, by the analysis."""
    query = select(InterpretabilityResult).where(
        InterpretabilityResult.analysis_id.in_(analysis_ids),
        InterpretabilityResult.method == method,
    )
    return {row.analysis_id: row for row in session.scalars(query)}


def _ranked(session: Session, owner_id: int) -> Select[AnomalyAnalysis, Drawing]:
    query = (
        select(AnomalyAnalysis, Drawing)
        .join(Drawing, Drawing.id == AnomalyAnalysis.current_of)
        .where(*newest_of(owner_id), AnomalyAnalysis.normalized_score.is_not(None))
    )
    demo = select(Dataset.id).where(
        Dataset.owner_id == owner_id, Dataset.name.in_((TYPICAL_DATASET, PLANTED_DATASET))
    )
    if session.scalars(demo.limit(1)).first() is None:
        return query
    return query.where(Drawing.dataset_id.in_(demo))
