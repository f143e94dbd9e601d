"""What the contract does not have: one run as a whole, and its life."""

from fastapi import APIRouter

from deepmed.features.xray.answers import runs as answers
from deepmed.features.xray.deletion import delete_run
from deepmed.features.xray.pages.desk import CallersRuns
from deepmed.features.xray.routes.runs import RunId
from deepmed.features.xray.schemas.runs import RunDeleted, RunView

router = APIRouter(prefix="/xray/runs", tags=["xray"])


@router.get("/{run_id}")
def run(runs: CallersRuns, run_id: RunId) -> RunView:
    """How far it is or why it failed, how it was configured, and what it came to."""
    return answers.view(runs, run_id)


@router.post("/{run_id}/cancel", status_code=202)
def cancel(runs: CallersRuns, run_id: RunId) -> RunView:
    """Stop it: at once where nobody works on it, else within ten seconds."""
    runs.cancel(run_id)
    return answers.view(runs, run_id)


@router.post("/{run_id}/resume", status_code=202)
def resume(runs: CallersRuns, run_id: RunId) -> RunView:
    """Let a failed or cancelled run go on behind its last finished epoch."""
    runs.resume(run_id)
    return answers.view(runs, run_id)


@router.delete("/{run_id}")
def delete(runs: CallersRuns, run_id: RunId) -> RunDeleted:
    """Delete a run that has ended, with its messages, numbers, files and model."""
    delete_run(runs.home, run_id)
    return RunDeleted(
        run_id=run_id,
        message=f"Run {run_id} is gone with its messages, numbers, files and model; the images "
        "that it was trained on stay.",
    )
