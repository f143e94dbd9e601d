from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from deepmed.features.drawings.tables import Drawing, InterpretabilityResult, ModelMember
from deepmed.kit.database.batches import in_batches

FITTED = ("fit", "borrowed")


def fitted_drawings(session: Session, model_id: int, *, twin: bool) -> list[int]:
    """The drawings that a model, or its twin, was fitted on."""
    part = ModelMember.twin_part if twin else ModelMember.part
    query = select(ModelMember.drawing_id).where(ModelMember.model_id == model_id, part.in_(FITTED))
    return list(session.scalars(query.order_by(ModelMember.drawing_id)))


def file_of(session: Session, drawing_id: int) -> str:
    return session.get_one(Drawing, drawing_id).file_path


def stored(session: Session, analysis_id: int, method: str) -> InterpretabilityResult | None:
    query = select(InterpretabilityResult).where(
        InterpretabilityResult.analysis_id == analysis_id, InterpretabilityResult.method == method
    )
    return session.scalars(query).one_or_none()


def explained(session: Session, analysis_ids: Sequence[int], method: str) -> set[int]:
    """Which of these analyses have an explanation."""
    found: set[int] = set()
    for some in in_batches(analysis_ids):
        query = select(InterpretabilityResult.analysis_id).where(
            InterpretabilityResult.analysis_id.in_(some), InterpretabilityResult.method == method
        )
        found.update(session.scalars(query))
    return found


def add(session: Session, row: InterpretabilityResult) -> InterpretabilityResult:
    session.add(row)
    session.flush()
    return row
