"""One owner's trainings on X-rays: accepted, listed, cancelled, resumed.

To do that nothing of the learning library's heavy part is loaded.
"""

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from sqlalchemy.orm import Session

from deepmed.core.home import Home
from deepmed.core.jobs.kinds import JobKind
from deepmed.core.jobs.ledger import JobLedger
from deepmed.core.jobs.pace import Pace
from deepmed.core.jobs.tables import Job, JobState
from deepmed.features.xray.configuration import ConfigManager
from deepmed.features.xray.jobs import FEDERATE, TRAIN, TrainPayload
from deepmed.features.xray.runs import repository
from deepmed.features.xray.runs.database_operations import new_run, note_start
from deepmed.features.xray.runs.repository import Line, reason_of, status_of
from deepmed.features.xray.tables import PATH_LENGTH, XrayRun
from deepmed.kit import clock
from deepmed.kit.errors import ConflictError, NotFoundError, ValidationError
from deepmed.kit.ids import LARGEST_ID


@dataclass(frozen=True)
class XrayRuns:
    """Another owner's runs do not exist here."""

    home: Home
    ledger: JobLedger

    @classmethod
    def of(cls, home: Home, kinds: Mapping[str, JobKind] | None = None) -> Self:
        return cls(home, JobLedger.of(home, kinds))

    def start(
        self,
        source: Path,
        experiment_name: str,
        config: ConfigManager,
        csv_filename: str | None = None,
        *,
        federated: bool = False,
        session: Session | None = None,
    ) -> Line:
        """Accept a training; it runs as soon as a worker is free.

        It commits by itself, unless it is given the session of the caller's own write block.

        Raises:
            ValidationError: there is nothing at that path, or it has no name.
        """
        path = source.absolute()
        if not path.exists():
            raise ValidationError(f"There is nothing at {source}; no training was started.")
        if len(str(path)) > PATH_LENGTH or not experiment_name.strip():
            raise ValidationError("A training needs a name, and a path of reasonable length.")
        own = self.home.database.write() if session is None else nullcontext(session)
        with own as block:
            kind = FEDERATE if federated else TRAIN
            payload = TrainPayload(experiment_name=experiment_name)
            job = self.ledger.submit(kind, payload, session=block)
            run = new_run(
                self.home.owner_id,
                str(path),
                experiment_name,
                config.resolved,
                csv_filename,
                job.id,
            )
            run.training_mode = "federated" if federated else "centralized"
            block.add(run)
            block.flush()
            note_start(block, run)
            return run, job

    def get(self, run_id: int) -> Line:
        """A run and its line in the ledger.

        Raises:
            NotFoundError: there is none of this owner.
        """
        found = None
        if 0 < run_id <= LARGEST_ID:
            with self.home.database.read() as session:
                found = repository.find(session, self.home.owner_id, run_id)
        if found is None:
            raise NotFoundError(f"There is no run {run_id}.")
        return found

    def page(self, status: str | None = None, limit: int = 100, offset: int = 0) -> Sequence[Line]:
        """Newest first.

        Raises:
            ValidationError: there is no such status.
        """
        if status is not None and status not in repository.STATUSES:
            raise ValidationError(
                f"There is no status {status!r}; choose {', '.join(repository.STATUSES)}."
            )
        with self.home.database.read() as session:
            return repository.page(
                session, self.home.owner_id, status=status, limit=limit, offset=offset
            )

    def cancel(self, run_id: int) -> None:
        """Stop a run: at once where nobody works on it, else within ten seconds.

        Raises:
            NotFoundError: there is none of this owner.
            ConflictError: it has ended already.
        """
        _, job = self._with_job(run_id)
        self.ledger.cancel(job)

    def resume(self, run_id: int) -> Line:
        """Let a failed or cancelled run go on from where it was.

        One whose worker was killed waits already to be taken up again where another worker has
        noticed, and is left to that; where nobody has, it is taken from the dead one.

        Raises:
            NotFoundError: there is none of this owner.
            ConflictError: it is running, or completed.
        """
        _, number = self._with_job(run_id)
        with self.home.database.read() as session:
            job = self.ledger.get(session, number)
        if job.state == JobState.RUNNING:
            self._take_from_the_dead(run_id, job)
        if job.state != JobState.QUEUED:
            self.ledger.retry(number)
        return self.get(run_id)

    def _take_from_the_dead(self, run_id: int, job: Job) -> None:
        if job.lease_until is not None and job.lease_until >= clock.now():
            raise ConflictError(
                f"Run {run_id} is running. Where its process was killed, that shows within "
                f"{Pace().lease:.0f} seconds; try again then."
            )
        self.ledger.cancel(job.id)

    def history(self, run_id: int) -> list[dict[str, Any]]:
        """The numbers of each epoch, as the run's files have them."""
        with self.home.database.read() as session:
            rows = repository.metrics(session, run_id)
        epochs: dict[int, dict[str, Any]] = {}
        for row in rows:
            epochs.setdefault(row.step, {"epoch": row.step})[row.metric_name] = row.metric_value
        return [epochs[step] for step in sorted(epochs)]

    def _with_job(self, run_id: int) -> tuple[XrayRun, int]:
        run, job = self.get(run_id)
        if job is None:
            raise ConflictError(
                f"Run {run_id} was started by a program and not by the ledger; only the program "
                "can stop it or go on with it."
            )
        return run, job.id


def described(line: Line) -> dict[str, Any]:
    """A run in the contract's words, for lists."""
    run, job = line
    return {
        "run_id": run.id,
        "experiment_name": run.run_description,
        "training_mode": run.training_mode,
        "status": status_of(line),
        "stage": run.stage,
        "reason": reason_of(line),
        "job_id": None if job is None else job.id,
        "start_time": run.start_time,
        "end_time": run.end_time,
    }
