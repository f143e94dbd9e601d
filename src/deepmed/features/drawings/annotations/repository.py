from sqlalchemy import select
from sqlalchemy.orm import Session

from deepmed.features.drawings.tables import Annotation, AnnotationVersion, AnomalyAnalysis


def of_analysis(session: Session, owner_id: int, analysis_id: int) -> list[Annotation]:
    """All annotations of an analysis, deleted ones too, in order of writing."""
    query = select(Annotation).where(
        Annotation.analysis_id == analysis_id, Annotation.owner_id == owner_id
    )
    return list(session.scalars(query.order_by(Annotation.id)))


def of_drawing(session: Session, owner_id: int, drawing_id: int) -> list[Annotation]:
    """All annotations of all answers for a drawing, deleted ones too, in order of writing."""
    query = (
        select(Annotation)
        .join(AnomalyAnalysis, AnomalyAnalysis.id == Annotation.analysis_id)
        .where(AnomalyAnalysis.drawing_id == drawing_id, Annotation.owner_id == owner_id)
    )
    return list(session.scalars(query.order_by(Annotation.id)))


def by_uid(session: Session, owner_id: int, analysis_id: int, uid: str) -> Annotation | None:
    query = select(Annotation).where(
        Annotation.uid == uid,
        Annotation.owner_id == owner_id,
        Annotation.analysis_id == analysis_id,
    )
    return session.scalars(query).one_or_none()


def add(session: Session, row: Annotation) -> Annotation:
    session.add(row)
    session.flush()
    return row


def append(session: Session, annotation: Annotation, version: AnnotationVersion) -> Annotation:
    annotation.versions.append(version)
    session.flush()
    return annotation
