"""Trainings on folders of drawings on the wire (contract 3.5)."""

from datetime import datetime
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, Field, model_validator

from deepmed.features.drawings.schemas.fields import LARGEST_SEED, LayoutName, Number
from deepmed.features.drawings.training.config.choices import (
    LossType,
    OptimizerType,
    SchedulerType,
    TrainingEnvironment,
)
from deepmed.features.drawings.training.config.models import (
    MOST_EPOCHS,
    MOST_IN_BATCH,
    Width,
    plain_name,
    what_is_no_whole,
)
from deepmed.kit.errors import ValidationError

MOST_LISTED = 500
Name = Annotated[str, Field(min_length=1, max_length=500)]
ReportForm = Literal["html", "pdf", "json", "csv"]


class TrainingConfigRequest(BaseModel):
    """Unknown fields are ignored, as clients of the original send some.

    That the three parts add up to 1 is answered with 400, as the contract has it.
    """

    job_name: Annotated[str, AfterValidator(plain_name)] = Field(min_length=1, max_length=200)
    environment: TrainingEnvironment
    dataset_folder: Name = Field(description="A folder inside the operator's DEEPMED_DATASETS_DIR")
    metadata_file: Name = Field(description="CSV or JSON in that folder, with a row a picture")
    learning_rate: Number = Field(0.001, ge=1e-6, le=1)
    batch_size: int = Field(32, ge=1, le=MOST_IN_BATCH)
    epochs: int = Field(100, ge=1, le=MOST_EPOCHS)
    train_split: Number = Field(0.7, ge=0.1, le=0.9)
    validation_split: Number = Field(0.2, ge=0.1, le=0.5)
    test_split: Number = Field(0.1, ge=0.05, le=0.3)
    instance_type: str | None = Field(
        "ml.m5.large", pattern=r"^ml\.[a-z0-9]+\.[a-z0-9]+$", max_length=60
    )
    instance_count: int = Field(1, ge=1, le=10)
    optimizer: OptimizerType = OptimizerType.ADAMW
    scheduler: SchedulerType = SchedulerType.NONE
    loss: LossType = LossType.MSE
    hidden_dims: list[Width] = Field([128, 16], min_length=1, max_length=8)
    layout: LayoutName = "visual+age"
    patience: int = Field(10, ge=1, le=MOST_EPOCHS)
    seed: int | None = Field(None, ge=0, le=LARGEST_SEED, description="The installation's if null")

    @model_validator(mode="after")
    def validate_splits_sum_to_one(self) -> Self:
        """Raises ValidationError, which a client is told as 400, as the contract has it."""
        if wrong := what_is_no_whole(self.train_split, self.validation_split, self.test_split):
            raise ValidationError(f"{wrong}; nothing was begun.")
        return self


class TrainingJobResponse(BaseModel):
    id: int
    job_name: str
    environment: str
    status: str
    start_timestamp: datetime | None
    end_timestamp: datetime | None
    sagemaker_job_arn: str | None


class TrainingProgressView(BaseModel):
    """The last that a running training told."""

    epoch: int
    total_epochs: int
    epoch_progress: float = Field(ge=0, le=100)
    batch_progress: float = Field(ge=0, le=100)
    train_loss: float | None
    val_loss: float | None
    elapsed_time: float
    estimated_remaining: float | None


class TrainingJobStatus(BaseModel):
    job_id: int
    job_name: str
    status: str
    start_timestamp: datetime | None
    end_timestamp: datetime | None
    environment: str
    sagemaker_job_arn: str | None
    progress: TrainingProgressView | None = Field(None, description="Only while it trains")
    message: str = Field(description="What it is doing, for people")
    error: str | None = Field(description="Why it failed; null where it did not")


class TrainingCancelled(BaseModel):
    job_id: int
    status: str
    message: str


class TrainingReportResponse(BaseModel):
    id: int
    final_loss: float
    validation_accuracy: float | None
    validation_accuracy_reason: str | None
    best_epoch: int
    training_time_seconds: float
    model_parameters_path: str
    report_file_path: str
    created_timestamp: datetime
    artifact: str = Field(description="The signed package with model, items and report")
    downloads: dict[str, str] = Field(description="Where the report is, by form")


class LocalEnvironment(BaseModel):
    available: bool
    device_info: dict[str, Any]
    memory_usage: dict[str, Any] | None
    active_jobs: int
    pytorch_version: str


class SageMakerEnvironment(BaseModel):
    available: bool
    configuration: dict[str, str | None]
    errors: list[str]
    warnings: list[str]


class EnvironmentsStatus(BaseModel):
    local: LocalEnvironment
    sagemaker: SageMakerEnvironment


class SageMakerSetup(BaseModel):
    success: bool
    s3_bucket: str
    execution_role_arn: str
    ecr_repository_uri: str | None
    created: list[str] = Field(description="What was not there before")
    next_steps: list[str]
