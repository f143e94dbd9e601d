"""The configuration of a training: strict, frozen, and without a name of code anywhere."""

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from deepmed.features.drawings.schemas.fields import LARGEST_SEED, LayoutName
from deepmed.features.drawings.training.config.choices import (
    LossType,
    OptimizerType,
    SchedulerType,
    TrainingEnvironment,
)

MOST_EPOCHS, MOST_IN_BATCH = 1000, 512
SPLIT_TOLERANCE = 0.01
Width = Annotated[int, Field(ge=1, le=8192)]


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class ModelConfig(Strict):
    """The network."""

    hidden_dims: tuple[Width, ...] = Field(
        (128, 16), min_length=1, max_length=8, description="Widths; the last is the bottleneck"
    )
    activation: Literal["silu", "relu", "tanh"] = "silu"
    input_noise: float = Field(0.0, ge=0, le=10, description="Noise added to inputs in training")


class OptimizerConfig(Strict):
    """How the weights move."""

    type: OptimizerType = OptimizerType.ADAMW
    learning_rate: float = Field(0.001, ge=1e-6, le=1)
    weight_decay: float = Field(1e-4, ge=0, le=1)
    momentum: float = Field(0.9, ge=0, lt=1, description="Of sgd")
    gradient_clip: float = Field(5.0, gt=0, description="Largest norm of the whole gradient")


class SchedulerConfig(Strict):
    """How the step size falls over the epochs."""

    type: SchedulerType = SchedulerType.NONE
    step_size: int = Field(30, ge=1, description="Epochs between two falls of step")
    gamma: float = Field(0.5, gt=0, le=1, description="Factor of a fall of step and exponential")


class DataConfig(Strict):
    """Which drawings do what: the parts never share a child."""

    train_split: float = Field(0.7, ge=0.1, le=0.9)
    validation_split: float = Field(0.2, ge=0.1, le=0.5)
    test_split: float = Field(0.1, ge=0.05, le=0.3)
    layout: LayoutName = Field("visual+age", description="Columns beside the picture's vector")
    percentile: float = Field(95.0, ge=50, le=99.9, description="From which a drawing is flagged")

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if wrong := what_is_no_whole(self.train_split, self.validation_split, self.test_split):
            raise ValueError(wrong)
        return self


def what_is_no_whole(train: float, validation: float, test: float) -> str | None:
    """What is wrong with three parts that do not add up; None where they do."""
    total = train + validation + test
    if abs(total - 1) <= SPLIT_TOLERANCE:
        return None
    return f"train_split, validation_split and test_split add up to {total:.4g}, not to 1"


def plain_name(name: str) -> str:
    if "${" in name or not name.isprintable():
        raise ValueError("holds '${' or signs that cannot be shown")
    return name


class TrainingConfig(Strict):
    """Complete training configuration.

    `instance_type` and `instance_count` are of `sagemaker` alone.
    """

    job_name: Annotated[str, AfterValidator(plain_name)] = Field(
        "drawings", min_length=1, max_length=200
    )
    environment: TrainingEnvironment = TrainingEnvironment.LOCAL
    epochs: int = Field(100, ge=1, le=MOST_EPOCHS)
    batch_size: int = Field(32, ge=1, le=MOST_IN_BATCH)
    loss: LossType = LossType.MSE
    patience: int = Field(10, ge=1, le=MOST_EPOCHS, description="Epochs without improvement")
    min_delta: float = Field(1e-4, ge=0, description="Improvement that counts as one")
    seed: int = Field(0, ge=0, le=LARGEST_SEED)
    device: Literal["auto", "cpu", "cuda", "mps"] = "cpu"
    model: ModelConfig = ModelConfig()
    optimizer: OptimizerConfig = OptimizerConfig()
    scheduler: SchedulerConfig = SchedulerConfig()
    data: DataConfig = DataConfig()
    instance_type: str = Field("ml.m5.large", pattern=r"^ml\.[a-z0-9]+\.[a-z0-9]+$", max_length=60)
    instance_count: int = Field(1, ge=1, le=10)
