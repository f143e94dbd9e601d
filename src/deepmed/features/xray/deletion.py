"""A run goes with all that it made: messages, numbers, model, predictions, files (S-14)."""

import shutil

from sqlalchemy.exc import IntegrityError as ConstraintError
from sqlalchemy.orm import Session

from deepmed.core.audit import repository as audit
from deepmed.core.home import Home
from deepmed.core.jobs import repository as jobs
from deepmed.core.registry import repository as artifacts
from deepmed.core.registry.tables import Artifact
from deepmed.features.xray.inference.service import forget
from deepmed.features.xray.runs import repository
from deepmed.features.xray.runs.folders import folder_of
from deepmed.features.xray.runs.repository import status_of
from deepmed.features.xray.tables import IN_PROGRESS, XrayRun
from deepmed.kit.errors import ConflictError, NotFoundError
from deepmed.kit.ids import LARGEST_ID


def check_ended(home: Home, run_id: int) -> None:
    """Raises what `delete_run` would: there is no such run, or it is in progress."""
    with home.database.write() as session:
        _ended(session, home.owner_id, run_id)


def delete_run(home: Home, run_id: int) -> None:
    """Delete a run of this owner that has ended.

    The source that it was trained on stays, and so does its line among the jobs. A process killed
    in between leaves files that the next chore removes.

    Raises:
        NotFoundError: there is none of this owner.
        ConflictError: it is in progress, or something else rests on its model; nothing went.
    """
    with home.database.write() as session:
        run = _ended(session, home.owner_id, run_id)
        artifact = None if run.artifact_id is None else session.get(Artifact, run.artifact_id)
        session.delete(run)
        if artifact is not None:
            _check_nothing_rests_on_it(session, run_id, artifact.id)
        audit.record(session, home.owner_id, "xray.delete", "xray_run", run_id)
    if artifact is not None:
        discard(home, artifact.uid)
        forget(artifact.manifest_hash)
    shutil.rmtree(folder_of(home, run), ignore_errors=True)


def _check_nothing_rests_on_it(session: Session, run_id: int, artifact_id: int) -> None:
    """Delete its row and take that back: whatever names it is found, now and in later versions."""
    session.flush()
    trial = session.begin_nested()
    try:
        artifacts.remove(session, artifact_id)
    except ConstraintError as error:
        raise ConflictError(
            f"Something else rests on the model of run {run_id}, such as another run; nothing was "
            "deleted. Delete that first."
        ) from error
    trial.rollback()


def discard(home: Home, uid: str) -> bool:
    """Delete a run's artefact unless something rests on it; whether it went."""
    try:
        home.registry.delete(uid)
    except (ConflictError, NotFoundError):  # in use, or another process was faster
        return False
    return True


def _ended(session: Session, owner_id: int, run_id: int) -> XrayRun:
    """The run, with its job locked, so that nobody resumes it meanwhile."""
    found = repository.find(session, owner_id, run_id) if 0 < run_id <= LARGEST_ID else None
    if found is None:
        raise NotFoundError(f"There is no run {run_id}.")
    run, job = found
    if job is not None:
        job = jobs.find(session, owner_id, job.id, lock=True)
    if job is not None and status_of((run, job)) == IN_PROGRESS:
        raise ConflictError(
            f"Run {run_id} is in progress; nothing was deleted. Cancel it first, and delete it "
            "when it has stopped."
        )
    return run
