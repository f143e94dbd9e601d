from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, delete, func, select, tuple_, update
from sqlalchemy.orm import InstrumentedAttribute, Session

from deepmed.core.registry.tables import Artifact
from deepmed.features.drawings.catalogue.filters import DrawingFilter, Sort
from deepmed.features.drawings.tables import (
    AgeGroupModel,
    AnalysisBatch,
    Annotation,
    AnomalyAnalysis,
    Child,
    Drawing,
    DrawingEmbedding,
    ExplanationExport,
    InterpretabilityResult,
    ModelMember,
)
from deepmed.kit.database import kept
from deepmed.kit.errors import NotFoundError

Key = tuple[Any, int]
"""Where a page ends: the sorted value and the id of its last drawing."""
FEW = 200
"""Subjects that a query names one by one."""


def conditions(session: Session, owner_id: int, wanted: DrawingFilter) -> list[ColumnElement[bool]]:
    asked: dict[str, Callable[[Any], ColumnElement[bool]]] = {
        "age_min": lambda value: Drawing.age_years >= value,
        "age_max": lambda value: Drawing.age_years <= value,
        "subject": lambda value: _about(session, owner_id, value),
        "expert_label": lambda value: Drawing.expert_label == str(value),
        "child": lambda value: Drawing.child_id.in_(
            select(Child.id).where(Child.owner_id == owner_id, Child.code == value)
        ),
        "is_blank": Drawing.is_blank.is_,
        "is_duplicate": lambda value: Drawing.duplicate_of.is_not(None).is_(value),
        "withdrawn": Drawing.withdrawn.is_,
        "dataset_id": lambda value: Drawing.dataset_id == value,
        "flagged": lambda value: (Drawing.id.in_ if value else Drawing.id.not_in)(
            _flagged(owner_id)
        ),
    }
    given = {name: value for name, value in vars(wanted).items() if value is not None}
    return [Drawing.owner_id == owner_id, *(asked[name](value) for name, value in given.items())]


def _about(session: Session, owner_id: int, text: str) -> ColumnElement[bool]:
    """Whose subject holds a text: mostly few subjects do, and their index finds the drawings."""
    few = _subjects_with(session, owner_id, text)
    return Drawing.subject.in_(_holding(owner_id, text) if len(few) > FEW else few)


@kept
def _subjects_with(session: Session, owner_id: int, text: str) -> list[str | None]:
    """The subjects that hold a text, and no more than show that they are not few."""
    return list(session.scalars(_holding(owner_id, text).limit(FEW + 1)))


def _holding(owner_id: int, text: str) -> Select[tuple[str | None]]:
    """Compared once for each subject and not for each drawing."""
    written = select(Drawing.subject).where(Drawing.owner_id == owner_id).distinct().subquery()
    return select(written.c.subject).where(written.c.subject.icontains(text, autoescape=True))


@kept
def count(session: Session, owner_id: int, wanted: DrawingFilter) -> int:
    query = select(func.count()).where(*conditions(session, owner_id, wanted))
    return session.scalar(query) or 0


def page(
    session: Session,
    owner_id: int,
    wanted: DrawingFilter,
    sort: Sort,
    *,
    limit: int,
    after: Key | None = None,
) -> list[Drawing]:
    """The next drawings after a key; keyset paging costs the same on every page."""
    query = _sorted(select(Drawing).where(*conditions(session, owner_id, wanted)), sort)
    if after is not None:
        value = _sort_value(sort)
        place = tuple_(value, Drawing.id)
        # The value alone too: by it MariaDB finds where in an index to begin, by a place it cannot.
        down = (place < after, value <= after[0])
        up = (place > after, value >= after[0])
        query = query.where(*(down if sort.descending else up))
    return list(session.scalars(query.limit(limit)))


def key_before(
    session: Session, owner_id: int, wanted: DrawingFilter, sort: Sort, skipped: int
) -> Key | None:
    """The key of the last of `skipped` drawings; reads two columns, not the drawings."""
    query = select(_sort_value(sort), Drawing.id).where(*conditions(session, owner_id, wanted))
    found = session.execute(_sorted(query, sort).offset(skipped - 1).limit(1)).first()
    return (found[0], found[1]) if found else None


def key_of(drawing: Drawing, sort: Sort) -> Key:
    value = getattr(drawing, sort.column)
    return ("" if value is None else value, drawing.id)


def find(session: Session, owner_id: int, drawing_id: int) -> Drawing | None:
    query = select(Drawing).where(Drawing.owner_id == owner_id, Drawing.id == drawing_id)
    return session.scalars(query).one_or_none()


def get(session: Session, owner_id: int, drawing_id: int) -> Drawing:
    """Raises NotFoundError where there is none, or it is another owner's."""
    drawing = find(session, owner_id, drawing_id)
    if drawing is None:
        raise NotFoundError(f"There is no drawing {drawing_id}.")
    return drawing


def find_child(session: Session, owner_id: int, code: str) -> Child | None:
    query = select(Child).where(Child.owner_id == owner_id, Child.code == code)
    return session.scalars(query).one_or_none()


def drawings_of(session: Session, owner_id: int, child_id: int) -> list[Drawing]:
    query = select(Drawing).where(Drawing.owner_id == owner_id, Drawing.child_id == child_id)
    return list(session.scalars(query.order_by(Drawing.id)))


@kept
def statistics(session: Session, owner_id: int) -> dict[str, Any]:
    ages = select(
        func.count(),
        func.min(Drawing.age_years),
        func.max(Drawing.age_years),
        func.avg(Drawing.age_years),
    ).where(Drawing.owner_id == owner_id)
    total, lowest, highest, average = session.execute(ages).one()
    labels = (
        select(Drawing.expert_label, func.count())
        .where(Drawing.owner_id == owner_id)
        .group_by(Drawing.expert_label)
    )
    return {
        "total_drawings": total,
        "age_range": {"min": lowest, "max": highest, "average": average},
        "expert_labels": {label: number for label, number in session.execute(labels) if label},
    }


def models_of(session: Session, owner_id: int, drawing_ids: Sequence[int]) -> list[int]:
    """The models in which these drawings took part."""
    used = select(ModelMember.model_id).where(ModelMember.drawing_id.in_(drawing_ids)).distinct()
    return list(
        session.scalars(
            select(AgeGroupModel.id)
            .where(AgeGroupModel.owner_id == owner_id, AgeGroupModel.id.in_(used))
            .order_by(AgeGroupModel.id)
        )
    )


def mark_models(session: Session, owner_id: int, drawing_ids: Sequence[int]) -> list[int]:
    """Mark the models in which these drawings took part; returns their ids."""
    models = models_of(session, owner_id, drawing_ids)
    session.execute(
        update(AgeGroupModel).where(AgeGroupModel.id.in_(models)).values(needs_retraining=True)
    )
    return models


def move_members(session: Session, drawing_id: int, child_id: int) -> None:
    """A model that learned from the drawing has learned from its new child."""
    session.execute(
        update(ModelMember).where(ModelMember.drawing_id == drawing_id).values(child_id=child_id)
    )


def derived(session: Session, drawing_ids: Sequence[int]) -> dict[str, int]:
    """How many rows will go with these drawings."""
    analyses = _analyses(drawing_ids)
    counted = {
        "embeddings": select(func.count(DrawingEmbedding.id)).where(
            DrawingEmbedding.drawing_id.in_(drawing_ids)
        ),
        "analyses": select(func.count(AnomalyAnalysis.id)).where(
            AnomalyAnalysis.drawing_id.in_(drawing_ids)
        ),
        "explanations": select(func.count(InterpretabilityResult.id)).where(
            InterpretabilityResult.analysis_id.in_(analyses)
        ),
        "annotations": select(func.count(Annotation.id)).where(
            Annotation.analysis_id.in_(analyses)
        ),
        "model_members": select(func.count(ModelMember.id)).where(
            ModelMember.drawing_id.in_(drawing_ids)
        ),
    }
    return {name: session.scalar(query) or 0 for name, query in counted.items()}


def files_of(session: Session, drawing_ids: Sequence[int]) -> list[str]:
    """The pictures and the maps of these drawings that no other row names."""
    result = InterpretabilityResult
    mine = result.analysis_id.in_(_analyses(drawing_ids))
    pictures = set(session.scalars(select(Drawing.file_path).where(Drawing.id.in_(drawing_ids))))
    maps = {
        path
        for row in session.execute(
            select(result.saliency_map_path, result.overlay_image_path).where(mine)
        )
        for path in row
        if path
    }
    shared = session.scalars(
        select(Drawing.file_path)
        .where(Drawing.file_path.in_(pictures), Drawing.id.not_in(drawing_ids))
        .union(
            select(result.saliency_map_path).where(result.saliency_map_path.in_(maps), ~mine),
            select(result.overlay_image_path).where(result.overlay_image_path.in_(maps), ~mine),
        )
    )
    return sorted((pictures | maps) - set(shared))


def exported_files(session: Session, owner_id: int) -> list[str]:
    """The owner's exported files: each may show other drawings beside its own."""
    query = select(ExplanationExport.file_path).where(ExplanationExport.owner_id == owner_id)
    return sorted(session.scalars(query))


def forget_exports(session: Session, owner_id: int) -> None:
    session.execute(delete(ExplanationExport).where(ExplanationExport.owner_id == owner_id))


def named_files(session: Session) -> set[str]:
    """Every picture, map and exported file that some row names, of all owners."""
    result = InterpretabilityResult
    return set(
        session.scalars(
            select(Drawing.file_path).union(
                select(result.saliency_map_path),
                select(result.overlay_image_path),
                select(ExplanationExport.file_path),
            )
        )
    )


def artifact_uids(session: Session) -> list[str]:
    """Of all owners."""
    return list(session.scalars(select(Artifact.uid)))


def promote_duplicates(session: Session, drawing_ids: Sequence[int]) -> None:
    """Where an original goes, its oldest copy takes its place."""
    query = (
        select(Drawing)
        .where(Drawing.duplicate_of.in_(drawing_ids), Drawing.id.not_in(drawing_ids))
        .order_by(Drawing.id)
    )
    heirs: dict[int | None, int] = {}
    for copy in session.scalars(query):
        heir = heirs.setdefault(copy.duplicate_of, copy.id)
        copy.duplicate_of = None if heir == copy.id else heir
    session.flush()


def delete_drawings(session: Session, drawing_ids: Sequence[int]) -> None:
    """With all that hangs on them: the database's own foreign keys see to that."""
    session.execute(delete(Drawing).where(Drawing.id.in_(drawing_ids)))


def delete_childless(session: Session, child_ids: Sequence[int]) -> int:
    """Children without a drawing; returns how many went."""
    still = select(Drawing.child_id).where(Drawing.child_id.in_(child_ids))
    empty = list(
        session.scalars(select(Child.id).where(Child.id.in_(child_ids), Child.id.not_in(still)))
    )
    session.execute(delete(Child).where(Child.id.in_(empty)))
    return len(empty)


def forget_in_batches(session: Session, owner_id: int, drawing_ids: Sequence[int]) -> None:
    """Take the drawings out of what past batches of analyses kept."""
    gone = {str(drawing_id) for drawing_id in drawing_ids}
    query = select(AnalysisBatch).where(AnalysisBatch.owner_id == owner_id)
    for batch in session.scalars(query):
        batch.q_values = _without(batch.q_values, gone)
        batch.errors = [each for each in batch.errors if not _concerns(each, gone)]


def _concerns(error: Any, gone: set[str]) -> bool:
    """A batch that failed as a whole has its reason as plain words, about no drawing."""
    return isinstance(error, Mapping) and str(error.get("drawing_id")) in gone


def _without(values: Mapping[str, Any], gone: set[str]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if name not in gone}


def _flagged(owner_id: int) -> Select[int | None]:
    return select(AnomalyAnalysis.current_of).where(
        AnomalyAnalysis.owner_id == owner_id,
        AnomalyAnalysis.current_of.is_not(None),
        AnomalyAnalysis.is_anomaly.is_(True),
    )


def own_files(session: Session, owner_id: int) -> dict[str, set[str]]:
    """The pictures and the maps of one owner's drawings."""
    result = InterpretabilityResult
    mine = (
        select(result.saliency_map_path, result.overlay_image_path)
        .join(AnomalyAnalysis, AnomalyAnalysis.id == result.analysis_id)
        .where(AnomalyAnalysis.owner_id == owner_id)
    )
    pictures = select(Drawing.file_path).where(Drawing.owner_id == owner_id)
    return {
        "uploads": set(session.scalars(pictures)),
        "static": {path for row in session.execute(mine) for path in row if path},
    }


def _analyses(drawing_ids: Sequence[int]) -> Select[int]:
    return select(AnomalyAnalysis.id).where(AnomalyAnalysis.drawing_id.in_(drawing_ids))


def _sort_value(sort: Sort) -> ColumnElement[Any] | InstrumentedAttribute[Any]:
    column: InstrumentedAttribute[Any] = getattr(Drawing, sort.column)
    return func.coalesce(column, "") if sort.column == "subject" else column


def _sorted(query: Select[Any], sort: Sort) -> Select[Any]:
    columns = (_sort_value(sort), Drawing.id)
    return query.order_by(*(each.desc() if sort.descending else each.asc() for each in columns))


@kept
def subjects(session: Session, owner_id: int) -> dict[str | None, int]:
    """How many drawings there are of each subject; None where none was said."""
    query = select(Drawing.subject, func.count()).where(Drawing.owner_id == owner_id)
    return {row[0]: row[1] for row in session.execute(query.group_by(Drawing.subject))}


@kept
def ages_of_subject(session: Session, owner_id: int, subject: str | None) -> dict[float, int]:
    """How many drawings of a subject, or of none, there are of each age."""
    query = select(Drawing.age_years, func.count()).where(
        Drawing.owner_id == owner_id, Drawing.subject == subject
    )
    return {row[0]: row[1] for row in session.execute(query.group_by(Drawing.age_years))}
