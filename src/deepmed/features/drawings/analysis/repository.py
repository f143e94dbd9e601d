from collections.abc import Sequence

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from deepmed.features.drawings.tables import AnalysisBatch, AnomalyAnalysis, Drawing, ModelMember
from deepmed.kit.database import AnyRow
from deepmed.kit.database.batches import in_batches


def drawings(session: Session, owner_id: int, ids: Sequence[int] | None) -> list[Drawing]:
    """The owner's drawings of these ids, or all, in order of id."""
    query = select(Drawing).where(Drawing.owner_id == owner_id).order_by(Drawing.id)
    if ids is None:
        return list(session.scalars(query))
    found: list[Drawing] = []
    for some in in_batches(sorted(set(ids))):
        found += session.scalars(query.where(Drawing.id.in_(some)))
    return found


def first_drawing(session: Session, owner_id: int) -> int | None:
    return session.scalars(select(func.min(Drawing.id)).where(Drawing.owner_id == owner_id)).one()


def still_there(session: Session, ids: Sequence[int]) -> set[int]:
    found: set[int] = set()
    for some in in_batches(ids):
        found.update(session.scalars(select(Drawing.id).where(Drawing.id.in_(some))))
    return found


def analysis(session: Session, owner_id: int, analysis_id: int) -> AnomalyAnalysis | None:
    found = session.get(AnomalyAnalysis, analysis_id)
    return found if found is not None and found.owner_id == owner_id else None


def by_inputs(session: Session, owner_id: int, keys: Sequence[str]) -> dict[str, AnomalyAnalysis]:
    """Stored analyses by the hash of their inputs."""
    found: dict[str, AnomalyAnalysis] = {}
    for some in in_batches(keys):
        query = select(AnomalyAnalysis).where(
            AnomalyAnalysis.owner_id == owner_id, AnomalyAnalysis.inputs_hash.in_(some)
        )
        found |= {row.inputs_hash: row for row in session.scalars(query)}
    return found


def history(
    session: Session, owner_id: int, drawing_id: int, limit: int = 10
) -> tuple[list[AnomalyAnalysis], int]:
    """The newest analyses of a drawing, and how many there are in all."""
    mine = (AnomalyAnalysis.owner_id == owner_id, AnomalyAnalysis.drawing_id == drawing_id)
    newest = select(AnomalyAnalysis).where(*mine).order_by(AnomalyAnalysis.id.desc()).limit(limit)
    total = session.scalars(select(func.count(AnomalyAnalysis.id)).where(*mine)).one()
    return list(session.scalars(newest)), total


def newest(session: Session, owner_id: int) -> list[AnomalyAnalysis]:
    """The newest analysis of each drawing, in order of drawing."""
    last = (
        select(func.max(AnomalyAnalysis.id))
        .where(AnomalyAnalysis.owner_id == owner_id)
        .group_by(AnomalyAnalysis.drawing_id)
    )
    query = select(AnomalyAnalysis).where(AnomalyAnalysis.id.in_(last))
    return list(session.scalars(query.order_by(AnomalyAnalysis.drawing_id)))


def newest_scores(session: Session, owner_id: int, model_id: int) -> list[tuple[float, int]]:
    """(score, child) of each drawing's newest analysis, as far as this model scored it."""
    last = (
        select(func.max(AnomalyAnalysis.id))
        .where(AnomalyAnalysis.owner_id == owner_id)
        .group_by(AnomalyAnalysis.drawing_id)
    )
    query = (
        select(AnomalyAnalysis.anomaly_score, Drawing.child_id)
        .join(Drawing, Drawing.id == AnomalyAnalysis.drawing_id)
        .where(
            AnomalyAnalysis.id.in_(last),
            AnomalyAnalysis.age_group_model_id == model_id,
            AnomalyAnalysis.anomaly_score.is_not(None),
        )
        .order_by(AnomalyAnalysis.drawing_id)
    )
    return [(score, child) for score, child in session.execute(query) if score is not None]


def subjects_of_members(session: Session, model_id: int) -> dict[int, str | None]:
    """The subject of each drawing that took part in a model."""
    query = (
        select(ModelMember.drawing_id, Drawing.subject)
        .join(Drawing, Drawing.id == ModelMember.drawing_id)
        .where(ModelMember.model_id == model_id)
    )
    return {row.drawing_id: row.subject for row in session.execute(query)}


def counts(session: Session, owner_id: int) -> Sequence[AnyRow]:
    """How many drawings' newest analyses agree in decision, role, flag and the drawing's marks."""
    last = (
        select(func.max(AnomalyAnalysis.id))
        .where(AnomalyAnalysis.owner_id == owner_id)
        .group_by(AnomalyAnalysis.drawing_id)
    )
    answer = (AnomalyAnalysis.decision, AnomalyAnalysis.role, AnomalyAnalysis.is_anomaly)
    marks = (Drawing.expert_label, Drawing.withdrawn)
    original = func.max(Drawing.duplicate_of).label("duplicate_of")
    query = (
        select(*answer, *marks, original, func.count().label("number"))
        .join(Drawing, Drawing.id == AnomalyAnalysis.drawing_id)
        .where(AnomalyAnalysis.id.in_(last))
        .group_by(*answer, *marks, Drawing.duplicate_of.is_(None))
    )
    return session.execute(query).all()


def marks(session: Session, ids: Sequence[int]) -> dict[int, AnyRow]:
    """How each drawing is marked, by its id: label, withdrawn, and whose copy it is."""
    columns = (Drawing.id, Drawing.expert_label, Drawing.withdrawn, Drawing.duplicate_of)
    found: dict[int, AnyRow] = {}
    for some in in_batches(ids):
        rows = session.execute(select(*columns).where(Drawing.id.in_(some)))
        found |= {row.id: row for row in rows}
    return found


def totals(session: Session, owner_id: int) -> tuple[int, int]:
    """How many drawings and how many analyses an owner has."""
    drawn = select(func.count(Drawing.id)).where(Drawing.owner_id == owner_id)
    made = select(func.count(AnomalyAnalysis.id)).where(AnomalyAnalysis.owner_id == owner_id)
    return session.scalars(drawn).one(), session.scalars(made).one()


def ages(session: Session, owner_id: int) -> dict[float, int]:
    """How many drawings there are of each age."""
    query = select(Drawing.age_years, func.count().label("number"))
    found = session.execute(query.where(Drawing.owner_id == owner_id).group_by(Drawing.age_years))
    return {row.age_years: row.number for row in found}


def add_batch(session: Session, row: AnalysisBatch) -> AnalysisBatch:
    session.add(row)
    session.flush()
    return row


def batch(session: Session, owner_id: int, uid: str) -> AnalysisBatch | None:
    query = select(AnalysisBatch).where(
        AnalysisBatch.owner_id == owner_id, AnalysisBatch.uid == uid
    )
    return session.scalars(query).one_or_none()
