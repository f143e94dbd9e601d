"""Every value that decides a training on images, with its default and its bounds (X-10).

Sections and names are those of the contract where it has one. What only the learning library can
judge (names of networks and losses, for example) it judges itself, see `settings.py`.
"""

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

LARGEST_SEED = 2**31 - 1
Side = Annotated[int, Field(ge=16, le=4096)]
Share = Annotated[float, Field(ge=0, lt=1)]
Width = Annotated[int, Field(ge=1, le=8192)]
Column = Annotated[str, Field(min_length=1, max_length=200)]


class Section(BaseModel):
    """Nothing but what is named here, and no text for a number."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class SystemSection(Section):
    """Images, their parts, and what is drawn by chance."""

    img_size: Annotated[tuple[Side, Side], Field(strict=False)] = (256, 256)
    """(height, width) in pixels."""
    validation_split: Share = 0.15
    test_split: Share = 0.15
    keep_published_split: bool = True
    """A split that comes with the images is used as it is."""
    look_for_lookalikes: bool = True
    sample_fraction: float = Field(1.0, gt=0, le=1)
    """Share of the patients that are used, for a quick try."""
    seed: int = Field(42, ge=0, le=LARGEST_SEED)

    @model_validator(mode="after")
    def _some_train(self) -> Self:
        if self.validation_split + self.test_split >= 1 or self.validation_split == 0:
            raise ValueError("validation_split is above 0, and with test_split below 1")
        return self


class ColumnsSection(Section):
    """What the table's columns are called."""

    patient_id: Column = "patientId"
    target: Column = "Target"
    filename: Column = "filename"
    part: Column = "split"


class DataSection(Section):
    """What is said of the images, and when there are too few."""

    class_names: Annotated[tuple[Column, Column], Field(strict=False)] = ("NORMAL", "PNEUMONIA")
    """Of the labels 0 and 1 of a table; folders name their classes themselves."""
    patient_pattern: str | None = Field(None, max_length=200)
    """Where the names of files in class folders say the patient, as a regular expression."""
    minimum_images: int = Field(10, ge=1)
    minimum_patients: int = Field(3, ge=1)
    most_unreadable: Share = 0.5


class ExperimentSection(Section):
    """Network, training and loading."""

    network: str = Field("resnet50", max_length=60)
    head: Annotated[tuple[Width, ...], Field(strict=False, max_length=4)] = (512,)
    stem: Literal["7x7", "3x3"] = "7x7"
    max_pool: bool = True
    width: Width = 64
    dropout_rate: float = Field(0.3, ge=0, lt=1)
    weights: str | None = Field(None, max_length=200)
    """Name of a safetensors file in the folder of weights; random weights without."""
    weights_sha256: str | None = Field(None, pattern="^[0-9a-f]{64}$")
    fine_tune_layers_count: int | None = Field(None, ge=0)
    """How many of the backbone's last layers are trained from the start; null trains all."""
    progressive_unfreeze: bool = False

    epochs: int = Field(10, ge=1, le=10_000)
    batch_size: int = Field(32, ge=1, le=4096)
    learning_rate: float = Field(1e-3, gt=0, le=10)
    weight_decay: float = Field(1e-4, ge=0, le=1)
    optimizer: str = "adamw"
    scheduler: str = "cosine_warm_restarts"
    restart_epochs: int | None = Field(None, ge=1)
    reduce_lr_patience: int = Field(3, ge=0)
    reduce_lr_factor: float = Field(0.5, gt=0, le=1)
    min_lr: float = Field(1e-7, ge=0, le=1)
    loss: str = "cross_entropy"
    focal_alpha: float = Field(0.6, gt=0, le=1)
    focal_gamma: float = Field(1.5, ge=0, le=10)
    label_smoothing: float = Field(0.0, ge=0, le=0.5)
    monitor_metric: str = "val_auroc"
    early_stopping_patience: int = Field(5, ge=1)
    early_stopping_min_delta: float = Field(0.001, ge=0, le=1)
    checkpoints_kept: int = Field(3, ge=1, le=100)
    gradient_clip_val: float | None = Field(1.0, gt=0)
    accumulate_grad_batches: int = Field(1, ge=1)
    precision: str = "32-true"
    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    devices: int = Field(1, ge=1, le=1024)
    batch_sample_interval: int = Field(10, ge=1)
    gradient_sample_interval: int = Field(20, ge=1)

    color_mode: Literal["RGB", "L"] = "RGB"
    image_fit: Literal["pad", "stretch"] = "pad"
    use_imagenet_norm: bool = True
    """Normalise as pretrained weights expect; without, to the middle of the range."""
    augmentation_strength: float = Field(1.0, ge=0, le=2)
    may_flip: bool = False
    num_workers: int = Field(0, ge=0, le=64)
    pin_memory: bool = True
    persistent_workers: bool = False
    prefetch_factor: int = Field(2, ge=1)
    use_custom_preprocessing: bool = False
    """Whether contrast and edges are changed, as the next values say."""
    contrast_stretch: bool = True
    adaptive_histogram: bool = False
    edge_enhancement: bool = False
    lower_percentile: float = Field(5.0, ge=0, le=100)
    upper_percentile: float = Field(95.0, ge=0, le=100)
    clip_limit: float = Field(2.0, gt=0)
    edge_strength: float = Field(1.0, ge=0, le=2)

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.lower_percentile >= self.upper_percentile:
            raise ValueError("lower_percentile is below upper_percentile")
        if self.progressive_unfreeze and self.fine_tune_layers_count is None:
            raise ValueError(
                "progressive_unfreeze needs frozen layers: set fine_tune_layers_count, 0 for all"
            )
        return self


class EvaluationSection(Section):
    """What is counted when the training is over."""

    prevalence: float | None = Field(None, gt=0, lt=1)
    """Share of ill people where the model will be used, for predictive values."""
    resamples: int = Field(1000, ge=50, le=100_000)
    abstention_percentile: float = Field(90.0, gt=0, lt=100)


class XrayConfig(Section):
    """One training's configuration, all of it."""

    system: SystemSection = SystemSection()
    columns: ColumnsSection = ColumnsSection()
    data: DataSection = DataSection()
    experiment: ExperimentSection = ExperimentSection()
    evaluation: EvaluationSection = EvaluationSection()
