"""Newest answers as lists and counts, for pages and statistics."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from deepmed.features.drawings.analysis.decisions import ANSWERED
from deepmed.features.drawings.analysis.repository import newest_of
from deepmed.features.drawings.analysis.subject_counts import about
from deepmed.features.drawings.subjects import SubjectCategory
from deepmed.features.drawings.tables import AnalysisBatch, AnomalyAnalysis, Drawing
from deepmed.kit.database import kept
from deepmed.kit.database.batches import in_batches


def recent(
    session: Session,
    owner_id: int,
    limit: int,
    *,
    flagged: bool | None = None,
    subject: str | None = None,
) -> list[tuple[AnomalyAnalysis, Drawing]]:
    """The newest answers with their drawings, newest first; with `flagged` only those."""
    query = (
        select(AnomalyAnalysis, Drawing)
        .join(Drawing, Drawing.id == AnomalyAnalysis.drawing_id)
        .where(AnomalyAnalysis.owner_id == owner_id, AnomalyAnalysis.current_of.is_not(None))
        .order_by(AnomalyAnalysis.analysis_timestamp.desc(), AnomalyAnalysis.id.desc())
        .limit(limit)
    )
    if flagged is not None:
        query = query.where(AnomalyAnalysis.is_anomaly.is_(flagged))
    if subject is not None:
        query = query.where(about(subject))
    return [(row[0], row[1]) for row in session.execute(query)]


class MarkedAnswer(NamedTuple):
    """An answer, and how its drawing is marked: what rates need of both.

    There may be tens of thousands, and a database's row takes ten times as long to tell a value.
    """

    id: int
    drawing_id: int
    decision: str
    role: str | None
    is_anomaly: bool
    p_value: float | None
    child_id: int
    expert_label: str | None
    withdrawn: bool
    duplicate_of: int | None


def by_model(session: Session, owner_id: int, model_id: int) -> list[MarkedAnswer]:
    """The newest answers that a model gave, in order of drawing."""
    answer, drawing = AnomalyAnalysis, Drawing
    query = (
        select(
            answer.id,
            answer.drawing_id,
            answer.decision,
            answer.role,
            answer.is_anomaly,
            answer.p_value,
            drawing.child_id,
            drawing.expert_label,
            drawing.withdrawn,
            drawing.duplicate_of,
        )
        .join(drawing, drawing.id == answer.current_of)
        .where(*newest_of(owner_id), answer.age_group_model_id == model_id)
        .order_by(drawing.id)
    )
    return [MarkedAnswer._make(row) for row in session.execute(query).all()]


def of_batch(session: Session, owner_id: int, batch: AnalysisBatch) -> list[AnomalyAnalysis]:
    """The answers that no later call gave again, in order of drawing."""
    query = select(AnomalyAnalysis).where(
        AnomalyAnalysis.owner_id == owner_id, AnomalyAnalysis.sequence == batch.id
    )
    return list(session.scalars(query.order_by(AnomalyAnalysis.drawing_id)))


def answers_of(
    session: Session, batch: AnalysisBatch, drawing_ids: Sequence[int]
) -> dict[int, AnomalyAnalysis]:
    """What a batch that is done answered for these drawings, as far as that can be told.

    An answer that a later call found again counts for that call. It is this batch's too where the
    drawing had no other one when the batch was done.
    """
    there: dict[int, list[AnomalyAnalysis]] = {}
    for some in in_batches(drawing_ids):
        query = select(AnomalyAnalysis).where(
            AnomalyAnalysis.owner_id == batch.owner_id, AnomalyAnalysis.drawing_id.in_(some)
        )
        for row in session.scalars(query):
            if row.sequence == batch.id or row.analysis_timestamp <= _end(batch):
                there.setdefault(row.drawing_id, []).append(row)
    own = {
        drawing: [row for row in rows if row.sequence == batch.id]
        for drawing, rows in there.items()
    }
    found = {drawing: own[drawing] or rows for drawing, rows in there.items()}
    return {drawing: rows[0] for drawing, rows in found.items() if len(rows) == 1}


def _end(batch: AnalysisBatch) -> datetime:
    return batch.completed_at or batch.started_at


def batches(session: Session, owner_id: int, limit: int, least: int = 2) -> list[AnalysisBatch]:
    """The newest batches of at least so many drawings, newest first."""
    query = select(AnalysisBatch).where(
        AnalysisBatch.owner_id == owner_id, AnalysisBatch.total >= least
    )
    return list(session.scalars(query.order_by(AnalysisBatch.id.desc()).limit(limit)))


@kept
def by_subject(session: Session, owner_id: int) -> dict[str, dict[str, int]]:
    """Newest answers that could have been a flag, and those that are one, by subject."""
    query = (
        select(Drawing.subject, AnomalyAnalysis.is_anomaly, func.count())
        .join(AnomalyAnalysis, AnomalyAnalysis.current_of == Drawing.id)
        # Asked for the drawings' owner, SQLite begins with these and reads each answer's row.
        .where(*newest_of(owner_id), AnomalyAnalysis.decision.in_(sorted(ANSWERED)))
        .group_by(Drawing.subject, AnomalyAnalysis.is_anomaly)
    )
    found: dict[str, dict[str, int]] = {}
    for subject, is_anomaly, number in session.execute(query):
        counts = found.setdefault(
            subject or SubjectCategory.UNSPECIFIED.value, {"analysed": 0, "flagged": 0}
        )
        counts["analysed"] += number
        counts["flagged"] += number if is_anomaly else 0
    return found


def made_since(session: Session, owner_id: int, moment: datetime) -> int:
    """How many of the owner's analyses were made since then, as far as they are still there."""
    query = select(func.count()).where(
        AnomalyAnalysis.owner_id == owner_id, AnomalyAnalysis.analysis_timestamp >= moment
    )
    return session.scalars(query).one()
