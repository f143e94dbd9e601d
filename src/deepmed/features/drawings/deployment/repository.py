from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from deepmed.core.registry.tables import Artifact
from deepmed.features.drawings.deployment.formats import EXPORT_KIND
from deepmed.features.drawings.tables import AgeGroupModel, TrainingJob, TrainingReport


def exports(session: Session, owner_id: int) -> Sequence[Artifact]:
    """An owner's exported models, the newest first."""
    query = select(Artifact).where(Artifact.owner_id == owner_id, Artifact.kind == EXPORT_KIND)
    return session.scalars(query.order_by(Artifact.id.desc())).all()


def artifact(session: Session, owner_id: int, uid: str) -> Artifact | None:
    query = select(Artifact).where(Artifact.owner_id == owner_id, Artifact.uid == uid)
    return session.scalars(query).one_or_none()


def artifact_of_job(session: Session, owner_id: int, job_id: int) -> Artifact | None:
    """What a training job came to."""
    query = (
        select(Artifact)
        .join(TrainingReport, TrainingReport.artifact_id == Artifact.id)
        .join(TrainingJob, TrainingJob.id == TrainingReport.training_job_id)
        .where(TrainingJob.id == job_id, TrainingJob.owner_id == owner_id)
    )
    return session.scalars(query).one_or_none()


def job_of_artifact(session: Session, owner_id: int, artifact_id: int) -> int | None:
    """The training job that left an artefact."""
    query = (
        select(TrainingJob.id)
        .join(TrainingReport, TrainingReport.training_job_id == TrainingJob.id)
        .where(TrainingReport.artifact_id == artifact_id, TrainingJob.owner_id == owner_id)
    )
    return session.scalars(query.order_by(TrainingJob.id)).first()


def model_of_artifact(session: Session, owner_id: int, artifact_id: int) -> AgeGroupModel | None:
    query = select(AgeGroupModel).where(
        AgeGroupModel.owner_id == owner_id, AgeGroupModel.artifact_id == artifact_id
    )
    return session.scalars(query.order_by(AgeGroupModel.id)).first()


def original_of(session: Session, exported: Artifact) -> Artifact | None:
    """The package that an export was written from, where it was written here and still is there.

    What another installation calls its parent is not asked for: the name could be one of ours.
    """
    if exported.kind != EXPORT_KIND or "imported" in exported.lineage:
        return None
    (parent,) = exported.lineage["parents"]
    return artifact(session, exported.owner_id, parent)
