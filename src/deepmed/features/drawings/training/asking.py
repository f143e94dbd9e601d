"""What a page asks for, as trainings and comparisons: any value of the typed configuration."""

from collections.abc import Mapping, Sequence
from typing import Any

from deepmed.core.home import Home
from deepmed.core.jobs.ledger import JobLedger
from deepmed.core.jobs.tables import Job
from deepmed.features.drawings.training.config.composing import checked
from deepmed.features.drawings.training.config.manager import TrainingConfigManager
from deepmed.features.drawings.training.config.models import TrainingConfig
from deepmed.features.drawings.training.datasets import Dataset
from deepmed.features.drawings.training.environment import LocalTrainingEnvironment
from deepmed.features.drawings.training.sweep_job import SweepPayload, submit
from deepmed.kit.errors import NotFoundError, ValidationError
from deepmed.kit.settings import Settings

SEED, PERCENTILE = "seed", "data.percentile"
LISTS = {"model.hidden_dims"}


def configuration(
    settings: Settings, job_name: str, choices: Mapping[str, str], values: Mapping[str, Any]
) -> TrainingConfig:
    """Packaged choices with some values changed; seed and percentile are the installation's own.

    Raises:
        ValidationError: a choice, a place or a value is not acceptable.
    """
    written = [f"{group}={choice}" for group, choice in choices.items()]
    written += [f"{place}={_written(place, value)}" for place, value in values.items()]
    made = TrainingConfigManager().load_config(overrides=written).model_dump(mode="json")
    made["job_name"] = job_name
    if SEED not in values:
        made["seed"] = settings.seed
    if PERCENTILE not in values:
        made["data"]["percentile"] = settings.threshold_percentile
    return checked(made)


def dataset_of(name: str) -> Dataset:
    """Raises ValidationError where it is no FOLDER/TABLE."""
    folder, _, table = name.rpartition("/")
    if not folder or not table:
        raise ValidationError(
            f"{name!r} names no folder with its table. Nothing was begun; write FOLDER/TABLE."
        )
    return Dataset(folder, table)


def begin(home: Home, ledger: JobLedger, config: TrainingConfig, dataset: str) -> Job:
    """Accept a training; its job. Raises as `start_training_job`."""
    return _begin(home, ledger, config, dataset_of(dataset))


def compare(
    home: Home, ledger: JobLedger, base: TrainingConfig, lines: Sequence[str], dataset: str
) -> Job:
    """Accept a comparison of what has several values.

    Raises:
        ValidationError: nothing has several values, or one is not acceptable.
        DatasetRefusedError: the folder cannot be trained on.
    """
    shared, compared = TrainingConfigManager().load_sweep(lines, base)
    return submit(home, ledger, shared, compared, dataset_of(dataset))


def begin_as(home: Home, ledger: JobLedger, sweep: Job, number: int) -> Job:
    """Train with the settings of a comparison's trial.

    Raises:
        NotFoundError: it has no such trial, or is not done.
    """
    payload = SweepPayload.model_validate(sweep.payload)
    for trial in (sweep.result or {}).get("trials", ()):
        if trial["number"] == number:
            config = checked(trial["config"])
            return _begin(home, ledger, config, payload.dataset)
    raise NotFoundError(f"The comparison has no trial {number}, or is not done yet.")


def _begin(home: Home, ledger: JobLedger, config: TrainingConfig, dataset: Dataset) -> Job:
    environment = LocalTrainingEnvironment(home, ledger)
    return environment.get_job(environment.start_training_job(config, dataset))[1]


def _written(place: str, value: Any) -> str:
    if place in LISTS and isinstance(value, str):
        return f"[{value.strip().strip('[]')}]"
    if isinstance(value, bool):
        return str(value).lower()
    return str(value)
