"""Experiments on the wire (contract 1.2)."""

from datetime import datetime
from typing import Any, Literal

from deepmed.features.xray.schemas.fields import Answer, Mode

Progressing = Literal["started", "running", "completed", "failed"]


class ExperimentStarted(Answer):
    message: str
    """What happens now, in words."""
    experiment_name: str
    """What the run is called."""
    experiment_id: str
    """Names it to `GET /experiments/status/{experiment_id}`."""
    run_id: int
    """The run."""
    job_id: int | None
    """Its job."""
    status: Literal["queued"]
    """It trains as soon as a worker is free."""
    notes: list[str]
    """What of the request was not used, and why."""


class CentralizedStarted(ExperimentStarted):
    checkpoint_dir: str
    """Where the last checkpoints lie while it trains, within the data folder."""
    logs_dir: str
    """Where its numbers lie, within the data folder."""


class FederatedStarted(ExperimentStarted):
    num_server_rounds: int


class ComparisonStarted(Answer):
    message: str
    """What happens now, in words."""
    base_output_dir: str
    """Where both runs' files lie, within the data folder."""
    partition_strategy: str
    """How the images are dealt to the clients."""
    centralized_name: str
    """What the run on all images is called."""
    federated_name: str
    """What the federated run is called."""
    centralized_run_id: int
    """The run on all images."""
    federated_run_id: int
    """The federated run."""
    status: Literal["queued"]
    """Both train as soon as workers are free."""
    notes: list[str]
    """What of the request was not used, and why."""


class ExperimentEntry(Answer):
    experiment_id: str
    """`run_` and the run's number."""
    run_id: int
    """The run."""
    experiment_name: str
    """What it is called."""
    status: Progressing
    """`started` while it waits for a worker; `running`, `completed` or `failed`."""
    training_mode: Mode
    """`centralized` or `federated`."""
    progress: float
    """In percent of the epochs or rounds that are configured; 100 once it is completed."""
    current_epoch: int
    start_time: datetime
    """When it was asked for."""
    end_time: datetime | None
    """When it ended; null before."""


class ExperimentStatus(ExperimentEntry):
    total_epochs: int | None
    latest_metrics: dict[str, Any] | None
    """The numbers of the last finished epoch; null before the first."""
    total_events: int
    reason: str | None
    """Why it failed; null where it did not."""


class ExperimentList(Answer):
    experiments: list[ExperimentEntry]
    """The newest first."""
    count: int
