"""What is said of one training."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from deepmed.cli.output import Output

if TYPE_CHECKING:
    from deepmed.features.drawings.tables import TrainingReport
    from deepmed.features.drawings.training.environment import LocalTrainingEnvironment


def state(environment: "LocalTrainingEnvironment", number: int) -> dict[str, Any]:
    found = environment.get_job_status(number)
    reports = environment.reports(number)
    return {**found, "report": _report(reports[0]) if reports else None}


def _report(row: "TrainingReport") -> dict[str, Any]:
    return {
        "id": row.id,
        "final_loss": row.final_loss,
        "validation_accuracy": row.validation_accuracy,
        "validation_accuracy_reason": row.metrics_summary["validation_accuracy_reason"],
        "best_epoch": row.best_epoch,
        "training_time_seconds": row.training_time_seconds,
        "artifact": row.metrics_summary["artifact"],
        "created_timestamp": row.created_timestamp,
    }


def say(out: Output, told: Mapping[str, Any]) -> None:
    out.say(f"Training {told['job_id']} ({told['job_name']}) is {told['status']}.")
    if told["error"]:
        out.say(str(told["error"]))
    progress = told.get("progress")
    if progress:
        out.say(f"Epoch {progress['epoch']} of {progress['total_epochs']}.")
    made = told["report"]
    if made:
        out.say(f"Loss {made['final_loss']:.4g} at epoch {made['best_epoch']}.")
        out.say(f"Its report: deepmed drawings training report {told['job_id']} --out FOLDER")
