"""The training environment's long work, as a worker runs it."""

from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel

from deepmed.core.home import Home
from deepmed.core.jobs.context import JobContext
from deepmed.core.jobs.kinds import Isolation, JobKind
from deepmed.features.drawings.training.config.choices import TrainingEnvironment
from deepmed.features.drawings.training.environment import KINDS as NAMES
from deepmed.features.drawings.training.environment import TOLD, TrainingPayload
from deepmed.features.drawings.training.sweep_job import KIND as SWEEP_KIND

QUEUE = "drawings.training.local"
CLOUD_QUEUE = "drawings.training.sagemaker"
"""Of their own: they wait for hours, and compute nothing here."""


def train_locally(home: Home, job: JobContext) -> dict[str, Any]:
    from deepmed.features.drawings.embeddings.service import EmbeddingService
    from deepmed.features.drawings.training import repository
    from deepmed.features.drawings.training.environment import dataset_of
    from deepmed.features.drawings.training.running import Watcher, configuration_of, train
    from deepmed.features.drawings.training.storing import store

    with home.database.read() as session:
        training = repository.by_ledger(session, job.job_id)

    def begun() -> None:
        with home.database.write() as session:
            repository.change(session, training.id, stage="training")

    def told(progress: dict[str, Any]) -> None:
        job.raise_if_cancelled()
        job.event(TOLD, progress)

    def ended(points: Sequence[Any]) -> None:
        data = {"group": training.job_name, "part": "model", "points": points}
        job.event("epochs", {**data, "epochs": training.config_parameters["epochs"]})

    with home.database.write() as session:  # a run that was interrupted begins anew
        repository.change(session, training.id, stage="preparing")
    trained = train(
        EmbeddingService(home.settings, home.storage),
        configuration_of(training),
        dataset_of(training),
        job.folder,
        Watcher(job.progress, told, begun, ended),
    )
    report = store(home, training, trained.files, trained.document)
    return {"training_job_id": training.id, "report_id": report.id}


def train_on_sagemaker(home: Home, job: JobContext) -> dict[str, Any]:
    from deepmed.features.drawings.training import repository
    from deepmed.features.drawings.training.sagemaker.following import follow

    with home.database.read() as session:
        training = repository.by_ledger(session, job.job_id)
    report = follow(home, training, job)
    return {"training_job_id": training.id, "report_id": report.id}


def _title(payload: BaseModel) -> str:
    return f"Training {TrainingPayload.model_validate(payload).job_name}"


KINDS = (
    JobKind(
        name=NAMES[TrainingEnvironment.LOCAL],
        run=train_locally,
        payload=TrainingPayload,
        isolation=Isolation.PROCESS,
        queue=QUEUE,
        title=_title,
    ),
    JobKind(
        name=NAMES[TrainingEnvironment.SAGEMAKER],
        run=train_on_sagemaker,
        payload=TrainingPayload,
        isolation=Isolation.PROCESS,
        queue=CLOUD_QUEUE,
        title=_title,
    ),
    SWEEP_KIND,
)
