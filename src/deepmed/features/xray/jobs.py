"""The long work on X-rays, as a worker runs it; heavy imports wait until it does."""

from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field

from deepmed.core.home import Home
from deepmed.core.jobs.context import JobContext
from deepmed.core.jobs.errors import JobCancelled
from deepmed.core.jobs.kinds import Isolation, JobKind

if TYPE_CHECKING:
    from deepmed.features.xray.runs.trainer import CentralizedTrainer

TRAIN, FEDERATE, QUEUE = "xray.train", "xray.federated", "xray.training"


class TrainPayload(BaseModel):
    """Its name; the rest stands in the run's own row, which names the job."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    experiment_name: str = Field(max_length=1024)


def train(home: Home, job: JobContext) -> dict[str, Any]:
    from deepmed.features.xray.runs.trainer import CentralizedTrainer

    return _train(home, job, CentralizedTrainer)


def federate(home: Home, job: JobContext) -> dict[str, Any]:
    from deepmed.features.xray.federated.trainer import FederatedTrainer

    return _train(home, job, FederatedTrainer)


def _train(home: Home, job: JobContext, trainer_of: "type[CentralizedTrainer]") -> dict[str, Any]:
    from deepmed.features.xray.runs import repository
    from deepmed.features.xray.runs.steps import Step, Watcher
    from deepmed.features.xray.runs.trainer import in_order
    from deepmed.features.xray.tables import COMPLETED
    from deepmed.learning.classification import TrainingCancelledError

    with home.database.read() as session:
        run = repository.by_job(session, home.owner_id, job.job_id)
    if run.status == COMPLETED:  # its worker was killed between the last step and saying so
        return {"run_id": run.id}

    def begun(step: Step) -> None:
        job.raise_if_cancelled()
        job.log(in_order(step))

    def asked_to_stop() -> bool:
        try:
            job.raise_if_cancelled()
        except JobCancelled:
            return True
        return False

    trainer = trainer_of(home, watcher=Watcher(begun, job.progress, asked_to_stop))
    try:
        trainer.train(run.source_path, run.run_description, run.csv_filename, run.id)
    except TrainingCancelledError as error:
        raise JobCancelled from error
    return {"run_id": run.id}


def _title(payload: BaseModel) -> str:
    return f"Training on X-rays: {TrainPayload.model_validate(payload).experiment_name}"


def _federated_title(payload: BaseModel) -> str:
    return f"Federated {_title(payload)[0].lower()}{_title(payload)[1:]}"


KINDS = (
    JobKind(
        name=TRAIN,
        run=train,
        payload=TrainPayload,
        isolation=Isolation.PROCESS,
        queue=QUEUE,
        title=_title,
    ),
    JobKind(
        name=FEDERATE,
        run=federate,
        payload=TrainPayload,
        isolation=Isolation.PROCESS,
        queue=QUEUE,
        title=_federated_title,
    ),
)
