"""The whole report of a training as data: what is stored, and what HTML and PDF are drawn from."""

import json
from datetime import datetime
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field
from pydantic import ValidationError as SchemaError

from deepmed.features.drawings.training.config.models import TrainingConfig
from deepmed.features.drawings.training.errors import TrainingReportError

REPORT_FILE = "report.json"
MOST_BYTES = 64 << 20


class Part(BaseModel):
    """Strict enough to be read back from a machine that is not this one."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    def to_dict(self) -> dict[str, Any]:
        return self.model_dump(mode="json")


class ErrorSummary(Part):
    rows: int
    mean: float | None
    median: float | None
    std: float | None
    min: float | None
    max: float | None
    percentile_95: float | None


class CalibrationFigures(Part):
    percentile: float
    n_children: int
    n_drawings: int
    supported: bool
    highest_percentile: float | None
    threshold: float | None
    attained_level: float | None


class AurocFigure(Part):
    estimate: float
    low: float
    high: float
    level: float
    method: str
    unit: str
    sample_size: int
    n_items: int
    n_negative: int | None
    n_positive: int | None
    n_children: int | None
    split: str


class LabelledFigures(Part):
    drawings: int
    left_out: int
    discrimination: AurocFigure | None
    """AUROC: how often a labelled drawing scores above a typical one."""
    reason: str | None


class TrainingMetrics(Part):
    """Container for comprehensive training metrics; docs/numbers.md defines each."""

    final_loss: float
    best_epoch: int
    epochs_run: int
    stop_reason: str
    recoveries: int
    training_time_seconds: float
    children: dict[str, int]
    drawings: dict[str, int]
    left_out: dict[str, int]
    errors: dict[str, ErrorSummary]
    calibration: CalibrationFigures
    labelled: LabelledFigures
    validation_accuracy: float | None
    validation_accuracy_reason: str | None


class ModelArchitectureInfo(Part):
    """Container for model architecture information."""

    kind: str
    input_dim: int
    hidden_dims: list[int]
    latent_dim: int
    activation: str
    parameters: int
    precision: str


class TrainingConfiguration(Part):
    """Container for training configuration details: the whole configuration, and where it ran."""

    config: TrainingConfig
    encoder: str
    data_hash: str
    device: dict[str, Any]


class EpochPoint(Part):
    """Null where the loss exploded, nobody watched, or the epoch was before an interruption."""

    epoch: int
    train_loss: float | None
    val_loss: float | None
    learning_rate: float | None


class Item(Part):
    """A drawing by the hash of its picture."""

    pixel_hash: str = Field(pattern="^[0-9a-f]{64}$")
    part: Literal["train", "validation", "test", "labelled"]
    child: int
    age_years: float
    score: float
    p_value: float | None


class TrainingReportDocument(Part):
    """Everything that is known of a finished training."""

    format: Literal["training-report-1"] = "training-report-1"
    job_name: str
    made_at: datetime
    metrics: TrainingMetrics
    architecture: ModelArchitectureInfo
    configuration: TrainingConfiguration
    curves: list[EpochPoint]
    items: list[Item]
    notes: list[str]
    advice: list[str]

    def to_bytes(self) -> bytes:
        return json.dumps(self.to_dict(), indent=1, allow_nan=False).encode()

    @classmethod
    def read(cls, content: bytes) -> Self:
        """Read a stored report back.

        Raises:
            TrainingReportError: it is not what was written.
        """
        if len(content) > MOST_BYTES:
            raise TrainingReportError("The report is larger than any that is written.")
        try:
            return cls.model_validate_json(content)
        except SchemaError as error:
            raise TrainingReportError(
                "The stored report is damaged; the model beside it is kept. Train again."
            ) from error
