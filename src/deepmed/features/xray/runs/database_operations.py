"""A run's row, from its beginning to its end."""

from typing import Any

from deepmed.core.audit import repository as audit
from deepmed.core.home import Home
from deepmed.features.xray.runs import repository
from deepmed.features.xray.runs.steps import Step
from deepmed.features.xray.tables import (
    COMPLETED,
    DESCRIPTION_LENGTH,
    FAILED,
    IN_PROGRESS,
    REASON_LENGTH,
    XrayRun,
)
from deepmed.kit import clock
from deepmed.kit.errors import ConflictError, DeepMedError

_AGAIN = " (again)"
"""For people; what a run is, its row says."""


class DBOperationsUtils:
    """What a training writes into its run's row; each call commits by itself."""

    def __init__(self, home: Home) -> None:
        self._home = home

    def create_training_run(
        self,
        source_path: str,
        experiment_name: str,
        configuration: dict[str, Any],
        csv_filename: str | None = None,
    ) -> int:
        """A new run in progress; its number."""
        with self._home.database.write() as session:
            run = new_run(
                self._home.owner_id, source_path, experiment_name, configuration, csv_filename
            )
            session.add(run)
            session.flush()
            note_start(session, run)
            return run.id

    def create_reproduction(self, of: XrayRun) -> int:
        """A new run in progress that trains another one again; its number."""
        with self._home.database.write() as session:
            run = new_run(
                of.owner_id,
                of.source_path,
                f"{of.run_description[: DESCRIPTION_LENGTH - len(_AGAIN)]}{_AGAIN}",
                of.configuration,
                of.csv_filename,
            )
            run.training_mode, run.reproduces = of.training_mode, of.uid
            session.add(run)
            session.flush()
            note_start(session, run)
            return run.id

    def take_up(self, run_id: int) -> XrayRun:
        """A run that was made before, in progress again.

        Raises:
            NotFoundError: there is none of this owner.
            ConflictError: it is completed.
        """
        with self._home.database.write() as session:
            run = repository.run_of(session, self._home.owner_id, run_id)
            if run.status == COMPLETED:
                raise ConflictError(f"Run {run_id} is completed; nothing was trained again.")
            run.status, run.reason, run.end_time = IN_PROGRESS, None, None
            return run

    def begin_step(self, run_id: int, step: Step) -> None:
        with self._home.database.write_concurrently() as session:
            repository.change(session, run_id, stage=step.name)

    def note_split(self, run_id: int, digest: str) -> None:
        with self._home.database.write_concurrently() as session:
            repository.change(session, run_id, split_digest=digest)

    def note_test_look(self, run_id: int, **details: Any) -> None:
        """Each look at a test part is written down (X-15)."""
        with self._home.database.write_concurrently() as session:
            audit.record(
                session,
                self._home.owner_id,
                repository.TEST_LOOK,
                "xray_run",
                run_id,
                **details,
            )

    def complete_training_run(
        self, run_id: int, results: dict[str, Any], artifact_id: int | None = None
    ) -> None:
        """It ended well, with these results."""
        with self._home.database.write() as session:
            repository.change(
                session,
                run_id,
                status=COMPLETED,
                reason=None,
                results=results,
                artifact_id=artifact_id,
                end_time=clock.now(),
            )
            audit.record(session, self._home.owner_id, "xray.complete", "xray_run", run_id)

    def fail_training_run(self, run_id: int, error: BaseException) -> None:
        """It ended with an error, which the row then says in words."""
        with self._home.database.write() as session:
            repository.change(
                session,
                run_id,
                status=FAILED,
                reason=in_words(error)[:REASON_LENGTH],
                end_time=clock.now(),
            )
            audit.record(session, self._home.owner_id, "xray.fail", "xray_run", run_id)


def new_run(  # noqa: PLR0917 - what a row consists of
    owner_id: int,
    source_path: str,
    experiment_name: str,
    configuration: dict[str, Any],
    csv_filename: str | None,
    job_id: int | None = None,
) -> XrayRun:
    return XrayRun(
        owner_id=owner_id,
        job_id=job_id,
        run_description=experiment_name[:DESCRIPTION_LENGTH],
        source_path=source_path,
        csv_filename=csv_filename,
        configuration=configuration,
    )


def note_start(session: Any, run: XrayRun) -> None:
    audit.record(session, run.owner_id, "xray.start", "xray_run", run.id)


def in_words(error: BaseException) -> str:
    """The reason for people; what nobody foresaw is named by its kind alone."""
    if isinstance(error, DeepMedError):
        return error.message
    from deepmed.learning.errors import LearningError  # noqa: PLC0415 - with torch

    if isinstance(error, LearningError):
        return str(error) or type(error).__name__
    return (
        f"Something unforeseen happened ({type(error).__name__}). What was finished is kept; the "
        "log has the details. Resume the run to try again."
    )
