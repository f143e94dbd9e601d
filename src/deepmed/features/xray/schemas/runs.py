"""Runs on the wire (contract 1.3)."""

from datetime import datetime
from typing import Any, Literal

from pydantic import Field

from deepmed.features.xray.schemas.fields import Answer, Mode, Status

SortKey = Literal[
    "id",
    "start_time",
    "end_time",
    "status",
    "training_mode",
    "run_description",
    "best_val_recall",
    "best_val_accuracy",
]
SortOrder = Literal["asc", "desc"]


class FederatedInfo(Answer):
    num_rounds: int
    num_clients: int
    has_server_evaluation: bool
    """Whether the common model was measured after any round."""
    best_accuracy: float | None
    best_recall: float | None
    latest_round: int | None
    latest_accuracy: float | None


class FinalEpochStats(Answer):
    sensitivity: float | None
    specificity: float | None
    precision_cm: float | None
    accuracy_cm: float | None
    f1_cm: float | None


class RunSummary(Answer):
    id: int
    training_mode: Mode
    """`centralized`, or `federated` over several holders of images."""
    status: Status
    """`in_progress`, also while it waits for a worker; `completed`; or `failed`."""
    start_time: datetime
    """When it was asked for."""
    end_time: datetime | None
    """When it ended; null before."""
    best_val_recall: float | None
    best_val_accuracy: float | None
    metrics_count: int
    run_description: str
    """What it is called."""
    reason: str | None
    """Why it failed; null where it did not."""
    federated_info: FederatedInfo | None
    """Null where it is not federated."""
    final_epoch_stats: FinalEpochStats | None
    """What follows from the confusion matrix of the epoch whose weights are kept, on validation;
    of the last one until the run is completed; null where there is none."""


class RunList(Answer):
    runs: list[RunSummary]
    """A page of them."""
    total: int


class FinalMetrics(Answer):
    accuracy: float | None
    precision: float | None
    recall: float | None
    f1_score: float | None
    auc: float | None
    loss: float | None


class MeasuredOn(Answer):
    split: Literal["validation"]
    """Which images; the weights were chosen on them, so the figures are optimistic."""
    epoch: int
    is_kept: bool
    """Whether its weights are those that are served; false until the run is completed."""
    n: int | None
    threshold: float


class EpochMetrics(Answer):
    epoch: int
    train_loss: float | None
    val_loss: float | None
    train_acc: float | None
    val_acc: float | None
    train_f1: float | None
    val_precision: float | None
    val_recall: float | None
    val_f1: float | None
    val_auroc: float | None


class RunMetadata(Answer):
    experiment_name: str
    """What the run is called."""
    start_time: datetime
    """When it was asked for."""
    end_time: datetime | None
    """When it ended; null before."""
    total_epochs: int
    best_epoch: int | None
    kept_epoch: int | None
    monitor_metric: str
    """By which metric the epoch whose weights are kept was chosen."""
    best_val_accuracy: float | None
    best_val_precision: float | None
    best_val_recall: float | None
    best_val_loss: float | None
    best_val_f1: float | None
    best_val_auroc: float | None
    final_accuracy: float | None
    final_precision: float | None
    final_recall: float | None
    final_f1: float | None
    final_auc: float | None
    final_loss: float | None


class ConfusionMatrix(FinalEpochStats):
    true_positives: int
    true_negatives: int
    false_positives: int
    false_negatives: int


class RunMetrics(Answer):
    experiment_id: str
    """`run_` and the run's number."""
    run_id: int
    """The run."""
    status: Status
    """`in_progress`, `completed` or `failed`."""
    reason: str | None
    """Why it failed; null where it did not."""
    final_metrics: FinalMetrics
    """Of the epoch, or round, whose weights are kept, on validation; see `measured_on`."""
    measured_on: MeasuredOn | None
    """Which epoch and images `final_metrics`, `metadata.final_*` and `confusion_matrix` are of: the
    last epoch until the run is completed; null before the first."""
    training_history: list[EpochMetrics]
    """One a finished epoch; of a federated run one a round, in which the numbers of training are
    the clients' means."""
    total_epochs: int
    metadata: RunMetadata
    """The run at a glance."""
    confusion_matrix: ConfusionMatrix | None
    """Likewise, at 0.5; null with more than two classes, or no epoch yet."""
    operating_point: dict[str, Any] | None
    """Threshold, temperature and abstention, as validation fixed them; null until completed."""
    test: dict[str, Any] | None
    """The figures of the test part, each with its interval over patients, at the stored threshold
    and at 0.5: what the run is worth. Null until it is completed, or without a test part."""
    test_reason: str | None
    """Why there are none."""


class RoundMetrics(Answer):
    loss: float
    accuracy: float | None
    precision: float | None
    recall: float | None
    f1: float | None
    auroc: float | None


class FederatedRound(Answer):
    round: int
    metrics: RoundMetrics
    """Of the common model on the validation part."""


class FederatedRounds(Answer):
    is_federated: bool
    """A centralized run has no rounds."""
    num_rounds: int
    num_clients: int
    rounds: list[FederatedRound]
    """In order, from the first that ended."""


class Cells(Answer):
    true_positives: int
    true_negatives: int
    false_positives: int
    false_negatives: int


class LatestMetrics(Answer):
    loss: float
    accuracy: float | None
    precision: float | None
    recall: float | None
    f1_score: float | None
    auroc: float | None


class ServerEvaluation(LatestMetrics):
    round: int
    num_samples: int
    evaluation_time: datetime
    """When it was measured."""
    confusion_matrix: Cells | None
    """At 0.5; null with more than two classes."""
    additional_metrics: dict[str, Any] | None
    """What else was kept."""


class BestRound(Answer):
    value: float
    round: int


class EvaluationSummary(Answer):
    total_rounds: int
    latest_round: int
    latest_metrics: LatestMetrics
    """Of the last round."""
    best_accuracy: BestRound | None
    """The first model, round 0, does not count; null where there is no other."""
    best_recall: BestRound | None
    """Likewise."""
    best_precision: BestRound | None
    """Likewise."""
    best_f1_score: BestRound | None
    """Likewise."""


class ServerEvaluations(Answer):
    run_id: int
    """The run."""
    is_federated: bool
    """A centralized run has no rounds."""
    has_server_evaluation: bool
    """Whether the common model was measured at all."""
    evaluations: list[ServerEvaluation]
    """In order; round 0 is the model at first."""
    summary: EvaluationSummary | None
    """Null where nothing was measured."""


class ClientBest(Answer):
    best_val_accuracy: float | None
    best_val_precision: float | None
    best_val_recall: float | None
    best_val_f1: float | None
    best_val_auroc: float | None
    lowest_val_loss: float | None


class ClientMetrics(Answer):
    client_id: int
    """The client."""
    client_identifier: str
    """Its name within the run."""
    total_steps: int
    training_history: list[dict[str, Any]]
    """One a round that the client answered in: `step`, `round`, and what it measured."""
    best_metrics: ClientBest
    """Over its rounds."""


class RunClientMetrics(Answer):
    run_id: int
    """The run."""
    is_federated: bool
    """A centralized run has no clients."""
    num_clients: int
    clients: list[ClientMetrics]
    """In the order of their numbers."""
    aggregated_metrics: list[dict[str, Any]]
    """One a round: `round`, and what the common model came to on validation."""


class BackfillAnswer(Answer):
    run_id: int
    """The run."""
    success: bool
    """Whether every round that ended has its evaluation."""
    message: str
    """What was found, in words."""
    rounds_processed: int


class ModeSummary(Answer):
    count: int
    avg_accuracy: float | None
    avg_precision: float | None
    avg_recall: float | None
    avg_f1: float | None
    avg_duration_minutes: float | None


class TopRun(Answer):
    run_id: int
    """The run."""
    run_description: str
    """What it is called."""
    training_mode: Mode
    """`centralized` or `federated`."""
    best_accuracy: float | None
    best_precision: float | None
    best_recall: float | None
    best_f1: float | None
    duration_minutes: float | None
    start_time: datetime
    """When it was asked for."""
    status: Status
    """`in_progress`, `completed` or `failed`."""


class AnalyticsSummary(Answer):
    total_runs: int
    success_rate: float | None = Field(ge=0, le=1)
    centralized: ModeSummary
    """Runs on one machine's images."""
    federated: ModeSummary
    """Runs over several holders of images."""
    top_runs: list[TopRun]
    """At most ten, the most accurate on validation first."""


class RunView(Answer):
    run_id: int
    """The run."""
    experiment_name: str
    """What it is called."""
    training_mode: Mode
    """`centralized` or `federated`."""
    status: Status
    """`in_progress`, `completed` or `failed`."""
    stage: str
    """Which of the nine steps it has begun."""
    reason: str | None
    """Why it failed; null where it did not."""
    job_id: int | None
    """Its job; null where a program trains without one."""
    start_time: datetime
    """When it was asked for."""
    end_time: datetime | None
    """When it ended; null before."""
    configuration: dict[str, Any]
    """Every setting that it is trained with."""
    results: dict[str, Any] | None
    """What it came to: split, intake, threshold and figures; null until it is completed."""
    card: dict[str, Any] | None
    """What the model is, and is not, for; null until it is completed."""


class RunDeleted(Answer):
    run_id: int
    """The run that is gone."""
    message: str
    """What was deleted with it, in words."""
