from collections.abc import Sequence

from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.orm import Session

from deepmed.features.drawings.analysis.decisions import ANSWERED
from deepmed.features.drawings.models.ranges import AgeRange
from deepmed.features.drawings.models.repository import may_train, of_ages
from deepmed.features.drawings.tables import AnomalyAnalysis, Drawing, InterpretabilityResult

Answered = tuple[AnomalyAnalysis, Drawing]


def answers_of_ages(
    owner_id: int, ages: AgeRange, subject: str | None, *, flagged: bool
) -> Select[AnomalyAnalysis, Drawing]:
    """Newest answers that could have been a flag; the unflagged ones of typical drawings alone."""
    conditions: list[ColumnElement[bool]] = [
        AnomalyAnalysis.owner_id == owner_id,
        AnomalyAnalysis.current_of.is_not(None),
        AnomalyAnalysis.decision.in_(sorted(ANSWERED)),
        AnomalyAnalysis.normalized_score.is_not(None),
        AnomalyAnalysis.is_anomaly.is_(flagged),
        *of_ages(ages),
    ]
    if subject is not None:
        conditions.append(Drawing.subject == subject)
    conditions += _shown(owner_id) if flagged else may_train(owner_id)
    query = select(AnomalyAnalysis, Drawing).join(Drawing, Drawing.id == AnomalyAnalysis.current_of)
    return query.where(*conditions)


def examples(
    session: Session,
    query: Select[AnomalyAnalysis, Drawing],
    limit: int,
    *,
    flagged: bool,
) -> list[Answered]:
    """The least unusual of the unflagged first, of the flagged the most unusual."""
    score = AnomalyAnalysis.normalized_score
    order = score.desc() if flagged else score.asc()
    rows = session.execute(query.order_by(order, Drawing.id).limit(limit))
    return [(row[0], row[1]) for row in rows]


def count(session: Session, query: Select[AnomalyAnalysis, Drawing]) -> int:
    return session.scalar(select(func.count()).select_from(query.subquery())) or 0


def settled_least(
    session: Session, queries: Sequence[Select[AnomalyAnalysis, Drawing]]
) -> Answered | None:
    """The answer with the least confidence."""
    found = [
        (row[0], row[1])
        for query in queries
        for row in session.execute(
            query.where(AnomalyAnalysis.confidence.is_not(None))
            .order_by(AnomalyAnalysis.confidence, Drawing.id)
            .limit(1)
        )
    ]
    return min(found, key=lambda one: (one[0].confidence or 0.0, one[1].id), default=None)


def contents(session: Session, analysis_ids: Sequence[int]) -> dict[int, dict[str, object]]:
    """What was measured of the drawings, where they were explained before."""
    rows = session.execute(
        select(InterpretabilityResult.analysis_id, InterpretabilityResult.facts).where(
            InterpretabilityResult.analysis_id.in_(analysis_ids)
        )
    )
    return {row.analysis_id: row.facts["content"] for row in rows}


def _shown(owner_id: int) -> list[ColumnElement[bool]]:
    """Drawings that may be shown as unusual ones: whole, and none's copy."""
    return [
        Drawing.owner_id == owner_id,
        Drawing.is_blank.is_(False),
        Drawing.withdrawn.is_(False),
        Drawing.duplicate_of.is_(None),
    ]
