"""A finished training in the registry and the database: there as a whole, or not at all."""

from collections.abc import Mapping

from deepmed.core.audit import repository as audit
from deepmed.core.home import Home
from deepmed.features.drawings.tables import TrainingJob, TrainingReport
from deepmed.features.drawings.training import repository
from deepmed.features.drawings.training.reports.document import TrainingReportDocument
from deepmed.kit.digests import json_digest

ARTIFACT_KIND = "drawings.training-run"


def store(
    home: Home,
    training: TrainingJob,
    files: Mapping[str, bytes],
    document: TrainingReportDocument,
) -> TrainingReport:
    """Sign the files and note the report; doing it again gives what is there already."""
    config, metrics = document.configuration.config, document.metrics
    recipe = {
        "training_job": training.id,
        "owner": training.owner_id,
        "config": config.model_dump(mode="json"),
        "data_hash": document.configuration.data_hash,
        "encoder": document.configuration.encoder,
    }
    artifact = home.registry.publish(
        ARTIFACT_KIND,
        files,
        metrics=metrics.to_dict(),
        card=card(document),
        lineage={"recipe": recipe},
        recipe_hash=json_digest(recipe),
        configuration=config.model_dump(mode="json"),
        seed=config.seed,
        data_hash=document.configuration.data_hash,
    )
    with home.database.write() as session:
        there = repository.report_of(session, training.id)
        if there is not None:
            return there
        row = TrainingReport(
            owner_id=training.owner_id,
            training_job_id=training.id,
            artifact_id=artifact.id,
            final_loss=metrics.final_loss,
            validation_accuracy=metrics.validation_accuracy,
            best_epoch=metrics.best_epoch,
            training_time_seconds=metrics.training_time_seconds,
            metrics_summary=metrics.to_dict() | {"artifact": artifact.uid},
        )
        session.add(row)
        session.flush()
        audit.record(
            session,
            training.owner_id,
            "training.finish",
            "training_job",
            training.id,
            artifact=artifact.uid,
        )
    return row


def card(document: TrainingReportDocument) -> dict[str, object]:
    """What the model is, and is not, for."""
    metrics = document.metrics
    return {
        "title": f"Training {document.job_name}",
        "intended_use": "Ranking how unusual a drawing is among drawings like those of training.",
        "not_for": "Diagnosis, or any test of a child.",
        "children": metrics.children,
        "drawings": metrics.drawings,
        "calibrated_on": "the children of the test part",
        "encoder": document.configuration.encoder,
        "notes": document.notes,
    }
