from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import ColumnElement, case, func, literal, or_, select, update
from sqlalchemy.orm import Session

from deepmed.features.drawings.embeddings import repository as embeddings
from deepmed.features.drawings.models.repository import children_of_copies
from deepmed.features.drawings.tables import (
    AnalysisBatch,
    AnomalyAnalysis,
    Drawing,
    ModelMember,
)
from deepmed.kit.database import AnyRow, kept
from deepmed.kit.database.batches import in_batches, no_index


def drawings(session: Session, owner_id: int, ids: Sequence[int] | None) -> list[Drawing]:
    """The owner's drawings of these ids, or all, in order of id."""
    query = select(Drawing).order_by(Drawing.id)
    if ids is None:
        return list(session.scalars(query.where(Drawing.owner_id == owner_id)))
    mine = query.where(no_index(Drawing.owner_id) == owner_id)
    found: list[Drawing] = []
    for some in in_batches(sorted(set(ids))):
        found += session.scalars(mine.where(Drawing.id.in_(some)))
    return found


def first_drawing(session: Session, owner_id: int) -> int | None:
    return session.scalars(select(func.min(Drawing.id)).where(Drawing.owner_id == owner_id)).one()


def copied(session: Session, owner_id: int) -> list[Drawing]:
    """The owner's drawings whose very picture is there several times, in order of id."""
    mine = Drawing.owner_id == owner_id
    query = select(Drawing.pixel_hash).where(mine).group_by(Drawing.pixel_hash)
    found: list[Drawing] = []
    for some in in_batches(list(session.scalars(query.having(func.count() > 1)))):
        found += session.scalars(select(Drawing).where(mine, Drawing.pixel_hash.in_(some)))
    return sorted(found, key=lambda drawing: drawing.id)


def subjects(session: Session, owner_id: int) -> list[str | None]:
    return list(
        session.scalars(select(Drawing.subject).where(Drawing.owner_id == owner_id).distinct())
    )


def drawn_by_child(
    session: Session, owner_id: int, conditions: Sequence[ColumnElement[bool]]
) -> list[tuple[int, int]]:
    """(child, drawings) of an owner's drawings that are not blank and meet the conditions."""
    query = select(Drawing.child_id, func.count()).where(
        Drawing.owner_id == owner_id, Drawing.is_blank.is_(False), *conditions
    )
    return [(row[0], row[1]) for row in session.execute(query.group_by(Drawing.child_id)).all()]


def drawing_ids(session: Session, owner_id: int, ids: Sequence[int] | None) -> set[int]:
    """Which of these ids are the owner's drawings; all of them when None."""
    if ids is None:
        return set(session.scalars(select(Drawing.id).where(Drawing.owner_id == owner_id)))
    return embeddings.still_there(session, owner_id, sorted(set(ids)))


def lock_drawings(session: Session, ids: Sequence[int]) -> set[int]:
    """Those that still exist; until the commit nobody deletes them or locks them too."""
    found: set[int] = set()
    for some in in_batches(sorted(ids)):
        query = select(Drawing.id).where(Drawing.id.in_(some)).order_by(Drawing.id)
        found.update(session.scalars(query.with_for_update(key_share=True)))
    return found


def analysis(session: Session, owner_id: int, analysis_id: int) -> AnomalyAnalysis | None:
    found = session.get(AnomalyAnalysis, analysis_id)
    return found if found is not None and found.owner_id == owner_id else None


def by_inputs(
    session: Session, owner_id: int, inputs: Sequence[tuple[int, str]]
) -> dict[str, AnomalyAnalysis]:
    """Stored analyses by the hash of their inputs, of these (drawing, hash)."""
    found: dict[str, AnomalyAnalysis] = {}
    for some in in_batches(inputs):
        query = select(AnomalyAnalysis).where(
            AnomalyAnalysis.owner_id == owner_id,
            AnomalyAnalysis.drawing_id.in_([drawing for drawing, _ in some]),
            AnomalyAnalysis.inputs_hash.in_([digest for _, digest in some]),
        )
        found |= {row.inputs_hash: row for row in session.scalars(query)}
    return found


def current(session: Session, drawing_id: int) -> AnomalyAnalysis | None:
    """The newest analysis of a drawing."""
    query = select(AnomalyAnalysis).where(AnomalyAnalysis.current_of == drawing_id)
    return session.scalars(query).one_or_none()


def answered_since(session: Session, ids: Sequence[int], sequence: int) -> set[int]:
    """Drawings whose newest analysis is of a call that began later than this one."""
    found: set[int] = set()
    for some in in_batches(ids):
        query = select(AnomalyAnalysis.drawing_id).where(
            AnomalyAnalysis.current_of.in_(some), AnomalyAnalysis.sequence > sequence
        )
        found.update(session.scalars(query))
    return found


def supersede(session: Session, drawing_ids: Sequence[int]) -> None:
    """Leave these drawings without a newest analysis, so that another can take its place."""
    for some in in_batches(drawing_ids):
        session.execute(
            update(AnomalyAnalysis)
            .where(AnomalyAnalysis.current_of.in_(some))
            .values(current_of=None)
        )


def make_current(session: Session, ids: Sequence[int], sequence: int) -> None:
    """Let stored analyses be the newest of their drawings (again), by this call."""
    for some in in_batches(ids):
        session.execute(
            update(AnomalyAnalysis)
            .where(AnomalyAnalysis.id.in_(some))
            .values(current_of=AnomalyAnalysis.drawing_id, sequence=sequence)
        )


def history(
    session: Session, owner_id: int, drawing_id: int, limit: int = 10
) -> tuple[list[AnomalyAnalysis], int]:
    """The newest analyses of a drawing, and how many there are in all.

    An answer that was found again is as new as the call that found it.
    """
    mine = (AnomalyAnalysis.owner_id == owner_id, AnomalyAnalysis.drawing_id == drawing_id)
    order = (AnomalyAnalysis.sequence.desc(), AnomalyAnalysis.id.desc())
    newest = select(AnomalyAnalysis).where(*mine).order_by(*order).limit(limit)
    total = session.scalars(select(func.count(AnomalyAnalysis.id)).where(*mine)).one()
    return list(session.scalars(newest)), total


def newest(session: Session, owner_id: int, ids: Sequence[int]) -> dict[int, AnomalyAnalysis]:
    """The newest analysis of each of these drawings that has one."""
    found: dict[int, AnomalyAnalysis] = {}
    for some in in_batches(ids):
        # Asked for the owner too, SQLite reads all that the owner has instead of these few.
        rows = session.scalars(select(AnomalyAnalysis).where(AnomalyAnalysis.current_of.in_(some)))
        found |= {row.drawing_id: row for row in rows if row.owner_id == owner_id}
    return found


def flagged(session: Session, owner_id: int) -> list[int]:
    """The drawings whose newest analysis flags them, in order."""
    query = select(AnomalyAnalysis.current_of).where(
        *newest_of(owner_id), AnomalyAnalysis.is_anomaly.is_(True)
    )
    found = session.scalars(query.order_by(AnomalyAnalysis.current_of))
    return [drawing for drawing in found if drawing is not None]


def newest_scores(
    session: Session, owner_id: int, model_id: int
) -> list[tuple[float, frozenset[int]]]:
    """(score, whose) of each drawing's newest analysis, as far as this model scored it."""
    query = (
        select(AnomalyAnalysis.anomaly_score, Drawing.id, Drawing.child_id)
        .join(Drawing, Drawing.id == AnomalyAnalysis.current_of)
        .where(
            *newest_of(owner_id),
            AnomalyAnalysis.age_group_model_id == model_id,
            AnomalyAnalysis.anomaly_score.is_not(None),
        )
        .order_by(AnomalyAnalysis.current_of)
    )
    rows = session.execute(query).all()
    copies = children_of_copies(session, owner_id, [drawing for _, drawing, _ in rows])
    return [
        (score, copies.get(drawing, frozenset()) | {child})
        for score, drawing, child in rows
        if score is not None
    ]


def count_ranked(
    session: Session, owner_id: int, model_id: int, flags: Sequence[ColumnElement[bool]]
) -> tuple[int, list[int]]:
    """How many newest answers a model scored, and how many of them each condition holds for.

    All that the conditions ask for stands in `ix_anomaly_analyses_ranks`.
    """
    counts = [func.coalesce(func.sum(case((flag, 1), else_=0)), 0) for flag in flags]
    query = select(func.count(), *counts).where(
        *newest_of(owner_id),
        AnomalyAnalysis.age_group_model_id == model_id,
        AnomalyAnalysis.anomaly_score.is_not(None),
    )
    found: AnyRow = session.execute(query).one()
    return found[0], [int(number) for number in found[1:]]


def subjects_of_members(session: Session, model_id: int) -> dict[int, str | None]:
    """The subject of each drawing that took part in a model."""
    query = (
        select(ModelMember.drawing_id, Drawing.subject)
        .join(Drawing, Drawing.id == ModelMember.drawing_id)
        .where(ModelMember.model_id == model_id)
    )
    return {row.drawing_id: row.subject for row in session.execute(query)}


class Counted(NamedTuple):
    """How many drawings' newest analyses agree in their answer and in the drawing's marks."""

    decision: str
    role: str | None
    is_anomaly: bool
    number: int
    expert_label: str | None = None
    withdrawn: bool = False
    duplicate_of: int | None = None
    """One of the originals where these drawings are copies."""


@kept
def counts(session: Session, owner_id: int) -> list[Counted]:
    """The newest analyses, counted; drawings labelled `normal` count with those without a label.

    Most drawings are not marked. So all are counted in the index alone, and only for the marked
    ones the drawings are looked up.
    """
    answer = (AnomalyAnalysis.decision, AnomalyAnalysis.role, AnomalyAnalysis.is_anomaly)
    number = func.count().label("number")
    everybody = select(*answer, number).where(*newest_of(owner_id)).group_by(*answer)
    marks = (Drawing.expert_label, Drawing.withdrawn)
    original = func.max(Drawing.duplicate_of).label("duplicate_of")
    # Word for word the condition of ix_drawings_marked, or the index is of no use.
    is_marked = or_(
        Drawing.expert_label != literal("normal", literal_execute=True),
        Drawing.withdrawn.is_(True),
        Drawing.duplicate_of.is_not(None),
    )
    marked = (
        select(*answer, number, *marks, original)
        .join(AnomalyAnalysis, AnomalyAnalysis.current_of == Drawing.id)
        .where(Drawing.owner_id == owner_id, is_marked)
        .group_by(*answer, *marks, Drawing.duplicate_of.is_(None))
    )
    found = [Counted(*row) for row in session.execute(marked)]
    known = Counter[tuple[str, str | None, bool]]()
    for row in found:
        known[row[:3]] += row.number
    rest = [Counted(*row) for row in session.execute(everybody)]
    rest = [row._replace(number=row.number - known[row[:3]]) for row in rest]
    return [row for row in [*rest, *found] if row.number]


def marks(session: Session, ids: Sequence[int]) -> dict[int, AnyRow]:
    """How each drawing is marked, by its id: label, withdrawn, and whose copy it is."""
    columns = (Drawing.id, Drawing.expert_label, Drawing.withdrawn, Drawing.duplicate_of)
    found: dict[int, AnyRow] = {}
    for some in in_batches(ids):
        rows = session.execute(select(*columns).where(Drawing.id.in_(some)))
        found |= {row.id: row for row in rows}
    return found


@kept
def totals(session: Session, owner_id: int) -> tuple[int, int]:
    """How many drawings and how many analyses an owner has."""
    # Rows and not ids: PostgreSQL counts these in an index, which does not hold the ids.
    drawn = select(func.count()).where(Drawing.owner_id == owner_id)
    made = select(func.count()).where(AnomalyAnalysis.owner_id == owner_id)
    return session.scalars(drawn).one(), session.scalars(made).one()


@kept
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


def newest_of(owner_id: int) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    """The condition under which an analysis is the newest of one of the owner's drawings."""
    return AnomalyAnalysis.owner_id == owner_id, AnomalyAnalysis.current_of.is_not(None)
