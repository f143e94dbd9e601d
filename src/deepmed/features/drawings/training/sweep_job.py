"""A comparison of settings as a job, for who asks by a page."""

import json
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from deepmed.core.home import Home
from deepmed.core.jobs.context import JobContext
from deepmed.core.jobs.kinds import Isolation, JobKind
from deepmed.core.jobs.ledger import JobLedger
from deepmed.core.jobs.tables import Job
from deepmed.features.drawings.training.config.composing import checked
from deepmed.features.drawings.training.config.models import TrainingConfig
from deepmed.features.drawings.training.config.sweeps import ParameterSweepConfig, trials
from deepmed.features.drawings.training.datasets import Dataset

SWEEP = "drawings.training.sweep"


class SweepPayload(BaseModel):
    """A folder and its table by their names, and what is tried on it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    job_name: str = Field(max_length=200)
    dataset_folder: str = Field(max_length=500)
    metadata_file: str = Field(max_length=500)
    config: dict[str, Any]
    parameters: dict[str, list[Any]]

    @property
    def dataset(self) -> Dataset:
        return Dataset(self.dataset_folder, self.metadata_file)


def submit(
    home: Home,
    ledger: JobLedger,
    base: TrainingConfig,
    wanted: ParameterSweepConfig,
    dataset: Dataset,
) -> Job:
    """Accept a comparison.

    Raises:
        DatasetRefusedError: the folder cannot be trained on; nothing was accepted.
        ValidationError: too many combinations, or one that is not acceptable.
    """
    from deepmed.features.drawings.training.looking import (  # noqa: PLC0415 - it reads pictures
        check_dataset,
    )

    list(trials(base, wanted))
    check_dataset(dataset.find(home.settings), home.settings, base.data, base.seed)
    payload = SweepPayload(
        job_name=base.job_name,
        dataset_folder=dataset.name,
        metadata_file=dataset.metadata_name,
        config=base.model_dump(mode="json"),
        parameters=wanted.model_dump(mode="json")["parameters"],
    )
    return ledger.submit(SWEEP, payload)


def compare_settings(home: Home, job: JobContext) -> dict[str, Any]:
    from deepmed.features.drawings.embeddings.service import (  # noqa: PLC0415 - a worker's alone
        EmbeddingService,
    )
    from deepmed.features.drawings.training.sweeping import sweep  # noqa: PLC0415 - likewise

    wanted = SweepPayload.model_validate(job.payload)
    found = sweep(
        EmbeddingService(home.settings, home.storage),
        checked(wanted.config),
        ParameterSweepConfig.model_validate_json(json.dumps({"parameters": wanted.parameters})),
        wanted.dataset,
        job.steps("Training each combination"),
    )
    return {
        "trials": [one.to_dict() for one in found.trials],
        "best": None if found.best is None else found.best.number,
        "rule": found.rule,
        "drawings": found.drawings,
        "planted": found.planted,
    }


KIND = JobKind(
    name=SWEEP,
    run=compare_settings,
    payload=SweepPayload,
    isolation=Isolation.PROCESS,
    queue="drawings.training.local",
    title=lambda payload: f"Compare settings: {SweepPayload.model_validate(payload).job_name}",
)
