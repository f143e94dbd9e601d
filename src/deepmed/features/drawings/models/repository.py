from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Integer,
    Select,
    and_,
    cast,
    distinct,
    exists,
    func,
    insert,
    literal,
    or_,
    select,
    update,
)
from sqlalchemy.orm import Session, aliased, defer

from deepmed.core.registry import deployments
from deepmed.core.registry.tables import Artifact
from deepmed.features.drawings.models.kinds import GROUP, OF_AGES
from deepmed.features.drawings.models.ranges import AgeRange
from deepmed.features.drawings.tables import (
    AgeGroupModel,
    Child,
    Drawing,
    DrawingEmbedding,
    GroupingSetting,
    ModelMember,
)
from deepmed.kit.database import AnyRow, kept
from deepmed.kit.database.batches import in_batches, no_index


def candidates(session: Session, owner_id: int, encoder: str) -> Sequence[AnyRow]:
    """Every drawing with what decides whether it may train, and whether it is embedded."""
    embedded = (
        select(DrawingEmbedding.drawing_id, DrawingEmbedding.vector_hash)
        .where(DrawingEmbedding.encoder == encoder)
        .subquery()
    )
    query = (
        select(
            Drawing.id,
            Drawing.child_id,
            Drawing.age_years,
            Drawing.subject,
            Drawing.expert_label,
            Drawing.is_blank,
            Drawing.withdrawn,
            Drawing.duplicate_of,
            Drawing.file_path,
            Drawing.dataset_id,
            embedded.c.vector_hash,
        )
        .outerjoin(embedded, embedded.c.drawing_id == Drawing.id)
        .where(Drawing.owner_id == owner_id)
        .order_by(Drawing.id)
    )
    return session.execute(query).unique().all()


def may_train(owner_id: int) -> list[ColumnElement[bool]]:
    """Conditions of a drawing that may train, whatever encoder: typical, whole, of its own.

    Word for word those of ix_drawings_typical, or the index is of no use.
    """
    return [Drawing.owner_id == owner_id, *typical()]


def typical() -> list[ColumnElement[bool]]:
    """The same of whosever drawings."""
    normal = literal("normal", literal_execute=True)
    return [
        or_(Drawing.expert_label.is_(None), Drawing.expert_label == normal),
        Drawing.is_blank.is_(False),
        Drawing.withdrawn.is_(False),
        Drawing.duplicate_of.is_(None),
    ]


def trainable(session: Session, owner_id: int) -> Sequence[AnyRow]:
    query = select(Drawing.id, Drawing.child_id, Drawing.age_years, Drawing.subject)
    return session.execute(query.where(*may_train(owner_id)).order_by(Drawing.id)).all()


@kept
def ages_and_subjects(session: Session, owner_id: int) -> Sequence[AnyRow]:
    """(age_years, subject, number) of the drawings that may train."""
    columns = (Drawing.age_years, Drawing.subject)
    query = select(*columns, func.count().label("number")).where(*may_train(owner_id))
    return session.execute(query.group_by(*columns).order_by(Drawing.age_years)).all()


@kept
def children_of_ages(session: Session, owner_id: int, ages: AgeRange) -> int:
    """How many children the drawings of these ages that may train are by."""
    query = select(func.count(distinct(Drawing.child_id)))
    return session.scalars(query.where(*may_train(owner_id), *of_ages(ages))).one()


@kept
def comparable(session: Session, owner_id: int, encoder: str, ages: AgeRange) -> AnyRow:
    """(drawings, children, mean) of the embedded drawings of these ages that may train."""
    query = select(
        func.count().label("drawings"),
        func.count(distinct(Drawing.child_id)).label("children"),
        func.avg(Drawing.age_years).label("mean"),
    )
    return session.execute(query.where(*_comparable(owner_id, encoder, ages))).one()


@kept
def comparable_subjects(
    session: Session, owner_id: int, encoder: str, ages: AgeRange
) -> list[str | None]:
    query = select(Drawing.subject).where(*_comparable(owner_id, encoder, ages)).distinct()
    return list(session.scalars(query))


def _comparable(owner_id: int, encoder: str, ages: AgeRange) -> list[ColumnElement[bool]]:
    embedded = exists().where(
        DrawingEmbedding.drawing_id == Drawing.id, DrawingEmbedding.encoder == encoder
    )
    return [*may_train(owner_id), *of_ages(ages), embedded]


def of_ages(ages: AgeRange) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    """Conditions of a drawing whose age a range holds."""
    age = Drawing.age_years
    below = age <= ages.age_max if ages.upper_closed else age < ages.age_max
    return age >= ages.age_min, below


@kept
def ages_by_year(session: Session, owner_id: int) -> Sequence[AnyRow]:
    """(year, drawings, children) of the drawings that may train, by completed year of age."""
    # SQLite has no floor everywhere, and there a cast to a whole number cuts; elsewhere it rounds.
    on_sqlite = session.get_bind().dialect.name == "sqlite"
    age = Drawing.age_years
    year = (cast(age, Integer) if on_sqlite else func.floor(age)).label("year")
    counts = (
        func.count().label("drawings"),
        func.count(distinct(Drawing.child_id)).label("children"),
    )
    query = select(year, *counts).where(*may_train(owner_id)).group_by(year).order_by(year)
    return session.execute(query).all()


@kept
def ages_in_all(session: Session, owner_id: int) -> AnyRow:
    """(drawings, children, lowest, highest, mean) of the drawings that may train."""
    age = Drawing.age_years
    query = select(
        func.count().label("drawings"),
        func.count(distinct(Drawing.child_id)).label("children"),
        func.min(age).label("lowest"),
        func.max(age).label("highest"),
        func.avg(age).label("mean"),
    )
    return session.execute(query.where(*may_train(owner_id))).one()


def active_models(session: Session, owner_id: int, *kinds: str) -> list[AgeGroupModel]:
    """Active models of some kinds, by age; of the default kind where none is named."""
    query = (
        select(AgeGroupModel)
        .where(
            AgeGroupModel.owner_id == owner_id,
            AgeGroupModel.is_active.is_(True),
            AgeGroupModel.kind.in_(kinds or (GROUP,)),
        )
        .order_by(AgeGroupModel.age_min, AgeGroupModel.id)
    )
    return list(session.scalars(query))


def active_of_ages(session: Session, owner_id: int) -> list[AgeGroupModel]:
    """Active models that answer for their ages, subject-aware ones too, by age."""
    return active_models(session, owner_id, *OF_AGES)


def in_use(session: Session, owner_id: int) -> list[AgeGroupModel]:
    """All active models with their artefacts, groups' and pooled ones, read in one query."""
    # Artefacts' reports are long, and are read when somebody asks for one.
    reports = (defer(Artifact.metrics), defer(Artifact.lineage))
    query = (
        select(AgeGroupModel, Artifact)
        .join(Artifact, Artifact.id == AgeGroupModel.artifact_id)
        .where(AgeGroupModel.owner_id == owner_id, AgeGroupModel.is_active.is_(True))
        .order_by(AgeGroupModel.age_min, AgeGroupModel.id)
        .options(*reports)
    )
    found = session.execute(query).all()
    # Kept by the session, which asks for each of them by its id.
    session.info["artifacts"] = [row[1] for row in found]
    return [row[0] for row in found]


def all_models(session: Session, owner_id: int) -> list[AgeGroupModel]:
    query = select(AgeGroupModel).where(AgeGroupModel.owner_id == owner_id)
    return list(session.scalars(query.order_by(AgeGroupModel.age_min, AgeGroupModel.id)))


def model(session: Session, owner_id: int, model_id: int) -> AgeGroupModel | None:
    found = session.get(AgeGroupModel, model_id)
    return found if found is not None and found.owner_id == owner_id else None


def by_recipe(session: Session, owner_id: int, recipe_hash: str) -> AgeGroupModel | None:
    query = select(AgeGroupModel).where(
        AgeGroupModel.owner_id == owner_id, AgeGroupModel.recipe_hash == recipe_hash
    )
    return session.scalars(query).one_or_none()


def add(session: Session, row: AgeGroupModel, members: Iterable[dict[str, Any]]) -> AgeGroupModel:
    session.add(row)
    session.flush()
    rows = [{**member, "model_id": row.id} for member in members]
    if rows:
        session.execute(insert(ModelMember), rows)
    return row


def members(session: Session, model_id: int) -> list[ModelMember]:
    query = select(ModelMember).where(ModelMember.model_id == model_id)
    return list(session.scalars(query.order_by(ModelMember.id)))


def parts(session: Session, model_id: int) -> list[tuple[int, int, str | None, str | None]]:
    """(drawing, its present child, part, twin's part) of every member, in order of drawing."""
    columns = (
        ModelMember.drawing_id,
        ModelMember.child_id,
        ModelMember.part,
        ModelMember.twin_part,
    )
    query = select(*columns).where(ModelMember.model_id == model_id)
    found = session.execute(query.order_by(ModelMember.drawing_id))
    return [(drawing, child, part, twin_part) for drawing, child, part, twin_part in found]


def subjects_of(session: Session, model_ids: Sequence[int]) -> dict[int, set[str]]:
    """What the drawings show that took part in each of these models; without those of none."""
    query = (
        select(ModelMember.model_id, Drawing.subject)
        .join(Drawing, Drawing.id == ModelMember.drawing_id)
        .where(ModelMember.model_id.in_(model_ids))
        .distinct()
    )
    found: dict[int, set[str]] = {}
    for model_id, subject in session.execute(query) if model_ids else ():
        if subject is not None:
            found.setdefault(model_id, set()).add(subject)
    return found


def set_parameter(session: Session, model_id: int, name: str, value: object) -> None:
    row = session.get_one(AgeGroupModel, model_id)
    if row.parameters.get(name) != value:
        row.parameters = {**row.parameters, name: value}


def renew(session: Session, model_id: int) -> None:
    session.execute(
        update(AgeGroupModel).where(AgeGroupModel.id == model_id).values(needs_retraining=False)
    )


def deactivate(session: Session, model_ids: Sequence[int]) -> None:
    session.execute(
        update(AgeGroupModel)
        .where(AgeGroupModel.id.in_(model_ids))
        .values(is_active=False, active_key=None)
    )
    artifacts = select(AgeGroupModel.artifact_id).where(AgeGroupModel.id.in_(model_ids))
    deployments.end(session, session.scalars(artifacts))


def activate(session: Session, model_id: int, active_key: str) -> None:
    """Put a model into use; from now on its package's descent says so too."""
    session.execute(
        update(AgeGroupModel)
        .where(AgeGroupModel.id == model_id)
        .values(is_active=True, active_key=active_key)
    )
    row = session.get_one(AgeGroupModel, model_id)
    deployments.begin(session, row.owner_id, row.artifact_id, active_key)


def unused_artifacts(session: Session, owner_id: int, kind: str) -> list[Artifact]:
    """An owner's artefacts of a kind that no model's row names."""
    query = select(Artifact).where(
        Artifact.owner_id == owner_id,
        Artifact.kind == kind,
        Artifact.id.not_in(select(AgeGroupModel.artifact_id)),
    )
    return list(session.scalars(query.order_by(Artifact.id)))


def children_of(session: Session, drawings: Iterable[int]) -> dict[int, int]:
    """The present child of each drawing that exists."""
    found: dict[int, int] = {}
    for some in in_batches(drawings):
        query = select(Drawing.id, Drawing.child_id).where(Drawing.id.in_(some))
        found |= {row.id: row.child_id for row in session.execute(query)}
    return found


def children_of_copies(
    session: Session, owner_id: int, drawings: Iterable[int]
) -> dict[int, frozenset[int]]:
    """Of each drawing that others have the very same pixels as: whose these others are.

    Its own child is not among them, and a drawing without copies by others is left out.
    """
    found: dict[int, set[int]] = {}
    for some in in_batches(drawings):
        asked = _copies().where(no_index(Drawing.owner_id) == owner_id, Drawing.id.in_(some))
        for drawing, child in session.execute(asked):
            found.setdefault(drawing, set()).add(child)
    return {drawing: frozenset(children) for drawing, children in found.items()}


@cache
def _copies() -> Select[int, int]:
    """(drawing, child of a copy). Kept, because making the alias takes longer than asking."""
    copy = aliased(Drawing)
    return select(Drawing.id, copy.child_id).join(
        copy,
        and_(
            copy.owner_id == Drawing.owner_id,
            copy.pixel_hash == Drawing.pixel_hash,
            copy.child_id != Drawing.child_id,
        ),
    )


def existing_children(session: Session, ids: Iterable[int]) -> frozenset[int]:
    found: set[int] = set()
    for some in in_batches(ids):
        found.update(session.scalars(select(Child.id).where(Child.id.in_(some))))
    return frozenset(found)


def grouping(session: Session, owner_id: int) -> GroupingSetting | None:
    query = select(GroupingSetting).where(GroupingSetting.owner_id == owner_id)
    return session.scalars(query).one_or_none()


def set_grouping(session: Session, owner_id: int, values: Mapping[str, Any]) -> GroupingSetting:
    row = grouping(session, owner_id) or GroupingSetting(owner_id=owner_id)
    for name, value in values.items():
        setattr(row, name, value)
    session.add(row)
    session.flush()
    return row
