"""Local training environment with comprehensive monitoring and logging.

To accept, list and cancel trainings nothing of the learning library is loaded.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from pydantic import BaseModel, ConfigDict, Field

from deepmed.core.audit import repository as audit
from deepmed.core.home import Home
from deepmed.core.jobs.kinds import JobKind
from deepmed.core.jobs.ledger import JobLedger
from deepmed.core.jobs.tables import Job
from deepmed.features.drawings.tables import TrainingJob, TrainingReport
from deepmed.features.drawings.training import repository, sagemaker
from deepmed.features.drawings.training.config.choices import TrainingEnvironment
from deepmed.features.drawings.training.config.models import DataConfig, TrainingConfig
from deepmed.features.drawings.training.datasets import Dataset
from deepmed.features.drawings.training.errors import LocalTrainingError
from deepmed.features.drawings.training.repository import Line
from deepmed.kit.errors import ConflictError, NotFoundError, ValidationError

if TYPE_CHECKING:
    from collections.abc import Callable

    from deepmed.features.drawings.training.preparing import TrainingData

KINDS = {
    TrainingEnvironment.LOCAL: "drawings.training.local",
    TrainingEnvironment.SAGEMAKER: "drawings.training.sagemaker",
}
TOLD = "training_progress"
"""The event by which a running training says how far it is."""
STOPPABLE = ("pending", "preparing", "running")
RESUMABLE = ("failed", "cancelled")


class TrainingPayload(BaseModel):
    """Its name; the rest stands in the training's own row."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    job_name: str = Field(max_length=200)


@dataclass(frozen=True)
class LocalTrainingEnvironment:
    """One owner's trainings on folders of drawings. Another owner's do not exist here."""

    home: Home
    ledger: JobLedger

    @classmethod
    def of(cls, home: Home, kinds: Mapping[str, JobKind] | None = None) -> Self:
        return cls(home, JobLedger.of(home, kinds))

    def get_environment_info(self) -> dict[str, Any]:
        """What trainings on this machine compute with, and how many there are at the moment."""
        import torch  # noqa: PLC0415 - only who asks waits for it

        from deepmed.learning.device import DeviceManager  # noqa: PLC0415 - likewise

        manager = DeviceManager(self.home.settings.device)
        with self.home.database.read() as session:
            active = self.ledger.count_unfinished(session, KINDS[TrainingEnvironment.LOCAL])
        return {
            "available": True,
            "device_info": manager.device_info,
            "memory_usage": manager.get_memory_usage(),
            "active_jobs": active,
            "pytorch_version": torch.__version__,
        }

    def prepare_training_data(
        self,
        dataset: Dataset,
        config: DataConfig,
        seed: int = 0,
        progress: "Callable[[int, int], None] | None" = None,
    ) -> "TrainingData":
        """Read, embed and split the drawings of a folder; nothing is stored.

        Raises:
            DatasetRefusedError: the folder cannot be trained on.
        """
        from deepmed.features.drawings.embeddings.service import (  # noqa: PLC0415 - as above
            EmbeddingService,
        )
        from deepmed.features.drawings.training.preparing import prepare  # noqa: PLC0415 - as above
        from deepmed.features.drawings.training.vectors import VectorStore  # noqa: PLC0415 - above

        service = EmbeddingService(self.home.settings, self.home.storage)
        return prepare(
            dataset.find(self.home.settings),
            service,
            config,
            seed,
            vectors=VectorStore(service.identity.key),
            progress=progress or (lambda _done, _total: None),
        )

    def start_training_job(self, config: TrainingConfig, dataset: Dataset) -> int:
        """Accept a training; returns its id. It runs as soon as a worker is free.

        Raises:
            DatasetRefusedError: the folder cannot be trained on; nothing was accepted.
            PathRefusedError: its name is no plain one.
            SageMakerNotConfiguredError: SageMaker is asked for and is not set up here.
        """
        from deepmed.features.drawings.training.looking import (  # noqa: PLC0415 - likewise: pictures
            check_dataset,
        )

        if config.environment is TrainingEnvironment.SAGEMAKER:
            sagemaker.refuse_unconfigured(self.home.settings)
        check_dataset(
            dataset.find(self.home.settings), self.home.settings, config.data, config.seed
        )
        with self.home.database.write() as session:
            job = self.ledger.submit(
                KINDS[config.environment],
                TrainingPayload(job_name=config.job_name),
                session=session,
            )
            row = TrainingJob(
                owner_id=self.home.owner_id,
                job_id=job.id,
                job_name=config.job_name,
                environment=config.environment.value,
                config_parameters=config.model_dump(mode="json"),
                dataset_path=dataset.name,
                metadata_file=dataset.metadata_name,
                by_path=dataset.by_path,
            )
            session.add(row)
            session.flush()
            audit.record(
                session,
                self.home.owner_id,
                "training.start",
                "training_job",
                row.id,
                environment=row.environment,
            )
            return row.id

    def get_job(self, training_id: int) -> Line:
        """A training and its line in the ledger.

        Raises:
            NotFoundError: there is none of this owner.
        """
        with self.home.database.read() as session:
            found = repository.find(session, self.home.owner_id, training_id)
        if found is None:
            raise NotFoundError(f"There is no training job {training_id}.")
        return found

    def get_job_status(self, training_id: int) -> dict[str, Any]:
        """How far a training is, in the contract's words; `progress` only while it runs.

        Raises:
            NotFoundError: there is none of this owner.
        """
        line = self.get_job(training_id)
        training, job = line
        found = {**described(line), "job_id": training.id, "error": _reason(job)}
        status = found.pop("status")
        if status == "running":
            with self.home.database.read() as session:
                found["progress"] = repository.last_told(session, job.id, TOLD)
        return {**found, "status": status, "message": job.message}

    def list_training_jobs(
        self, environment: str | None = None, status: str | None = None, limit: int = 50
    ) -> Sequence[Line]:
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
                session, self.home.owner_id, environment=environment, status=status, limit=limit
            )

    def cancel_training_job(self, training_id: int) -> bool:
        """Stop a training: at once where nobody works on it, else within ten seconds.

        Raises:
            NotFoundError: there is none of this owner.
            LocalTrainingError: it has ended already.
        """
        line = self.get_job(training_id)
        status = repository.status_of(line)
        if status not in STOPPABLE:
            raise LocalTrainingError(
                f"Training job {training_id} is {status} already, so there is nothing to cancel."
            )
        if line[0].sagemaker_job_name is not None:
            sagemaker.stop(self.home.settings, line[0].sagemaker_job_name)
        try:
            self.ledger.cancel(line[1].id)
        except ConflictError as error:  # it ended in this moment
            raise LocalTrainingError(error.message) from error
        return True

    def resume_training_job(self, training_id: int) -> bool:
        """Let a failed or cancelled training go on from its last checkpoint.

        Raises:
            NotFoundError: there is none of this owner.
            LocalTrainingError: it has neither failed nor been cancelled.
        """
        line = self.get_job(training_id)
        status = repository.status_of(line)
        if status not in RESUMABLE:
            raise LocalTrainingError(
                f"Training job {training_id} is {status}; only one that failed or was cancelled "
                "can go on."
            )
        with self.home.database.write() as session:
            repository.change(
                session,
                training_id,
                stage="preparing",
                sagemaker_job_name=None,
                sagemaker_job_arn=None,
            )
        try:
            self.ledger.retry(line[1].id)
        except ConflictError as error:
            raise LocalTrainingError(error.message) from error
        return True

    def reports(self, training_id: int) -> list[TrainingReport]:
        """What the training came to; none before it is completed.

        Raises:
            NotFoundError: there is no such training of this owner.
        """
        self.get_job(training_id)
        with self.home.database.read() as session:
            found = repository.report_of(session, training_id)
        return [] if found is None else [found]

    def report(self, training_id: int, report_id: int) -> TrainingReport:
        """One report.

        Raises:
            NotFoundError: there is none of this training and this owner.
        """
        with self.home.database.read() as session:
            found = repository.report(session, self.home.owner_id, training_id, report_id)
        if found is None:
            raise NotFoundError(f"Training job {training_id} has no report {report_id}.")
        return found


def described(line: Line) -> dict[str, Any]:
    """What every answer on a training says of it."""
    training, job = line
    return {
        "id": training.id,
        "job_name": training.job_name,
        "environment": training.environment,
        "status": repository.status_of(line),
        "start_timestamp": job.started_at,
        "end_timestamp": job.finished_at,
        "sagemaker_job_arn": training.sagemaker_job_arn,
    }


def dataset_of(training: TrainingJob) -> Dataset:
    return Dataset(training.dataset_path, training.metadata_file, training.by_path)


def _reason(job: Job) -> str | None:
    return None if job.error is None else str(job.error.get("message", "It failed."))
