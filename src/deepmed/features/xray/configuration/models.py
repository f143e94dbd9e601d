"""Every value that decides a training on images, with its default and its bounds (X-10).

Sections and names are those of the contract where it has one. What only the learning library can
judge (names of networks and losses, for example) it judges itself, see `settings.py`.
"""

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

LARGEST_SEED = 2**31 - 1
MOST_PROCESSES = 16
"""Of one training: each of them loads the libraries again, which takes half a gigabyte."""
Side = Annotated[int, Field(ge=16, le=2048)]
Share = Annotated[float, Field(ge=0, lt=1)]
Width = Annotated[int, Field(ge=1, le=8192)]
Column = Annotated[str, Field(min_length=1, max_length=200)]


class Section(BaseModel):
    """Nothing but what is named here, and no text for a number."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=True, use_attribute_docstrings=True
    )


class SystemSection(Section):
    """Images, their parts, and what is drawn by chance."""

    img_size: Annotated[tuple[Side, Side], Field(strict=False)] = (256, 256)
    """Height and width in pixels that every image is brought to."""
    validation_split: Share = 0.15
    """Share of the patients who decide when to stop, and fix threshold and calibration."""
    test_split: Share = 0.15
    """Share of the patients who are looked at once, at the end."""
    keep_published_split: bool = True
    """A split that comes with the images is used, but for a validation part that is too small."""
    look_for_lookalikes: bool = True
    """Images of different patients that look alike are listed for a person to judge."""
    sample_fraction: float = Field(1.0, gt=0, le=1)
    """Share of the patients that are used, for a quick try."""
    seed: int = Field(42, ge=0, le=LARGEST_SEED)
    """The same seed, images and settings give the same training."""

    @model_validator(mode="after")
    def _some_train(self) -> Self:
        if self.validation_split + self.test_split >= 1 or self.validation_split == 0:
            raise ValueError("validation_split is above 0, and with test_split below 1")
        return self


class ColumnsSection(Section):
    """What the table's columns are called."""

    patient_id: Column = "patientId"
    """Whose an image is."""
    target: Column = "Target"
    """Label, 0 or 1."""
    filename: Column = "filename"
    """Name of the file; without the column files are named as their patients."""
    part: Column = "split"
    """Part of a published split, where the table has one."""


class Verdict(Section):
    """What a person said of two images of different patients that look alike."""

    first: str = Field(min_length=1, max_length=1000)
    second: str = Field(min_length=1, max_length=1000)
    same: bool
    """Whether both are of one patient, who then stands in one part of the split."""


class DataSection(Section):
    """What is said of the images, and when there are too few."""

    class_names: Annotated[tuple[Column, Column], Field(strict=False)] = ("NORMAL", "PNEUMONIA")
    """Of the labels 0 and 1 of a table; folders name their classes themselves."""
    positive_class: Column | None = None
    """Folder of the class that counts as the finding, of two; else the one not called normal."""
    patient_pattern: str | None = Field(None, max_length=200)
    """Where names of files in class folders say the patient, for example {patient}_*."""
    minimum_images: int = Field(10, ge=1)
    """Fewer images than these start no training."""
    minimum_patients: int = Field(3, ge=1)
    """Likewise fewer patients of a class."""
    most_unreadable: Share = 0.5
    """Share of labelled images that cannot be read above which no training starts."""
    lookalikes: Annotated[tuple[Verdict, ...], Field(strict=False, max_length=5000)] = ()
    """Pairs that a person has judged."""


class ExperimentSection(Section):
    """Network, training and loading."""

    network: str = Field("resnet50", max_length=60)
    """Larger ones learn more from many images, and take longer."""
    head: Annotated[tuple[Width, ...], Field(strict=False, max_length=4)] = (512,)
    """Widths of the layers between the network and its answer."""
    stem: Literal["7x7", "3x3"] = "7x7"
    """3x3 keeps small images whole, from about 64 pixels down."""
    max_pool: bool = True
    """Halve the side once more at the beginning; not for small images."""
    width: int = Field(64, ge=1, le=512)
    """Channels of the first stage; fewer make a smaller ResNet or VGG."""
    dropout_rate: float = Field(0.3, ge=0, lt=1)
    """Share of the head's numbers that are left out while it learns."""
    weights: str | None = Field(None, max_length=200)
    """Name of a safetensors file in the folder of weights; random weights without."""
    weights_sha256: str | None = Field(None, pattern="^[0-9a-f]{64}$")
    """Digest that this file must have."""
    fine_tune_layers_count: int | None = Field(None, ge=0)
    """How many of the backbone's last layers are trained from the start; null trains all."""
    progressive_unfreeze: bool = False
    """Frozen layers join after 15, 35, 55 and 75 % of the epochs."""

    epochs: int = Field(10, ge=1, le=10_000)
    """Most passes over the training images."""
    batch_size: int = Field(32, ge=1, le=1024)
    """Images that it learns from at a time."""
    learning_rate: float = Field(1e-3, gt=0, le=10)
    """How far the weights move with each step, at first."""
    weight_decay: float = Field(1e-4, ge=0, le=1)
    """How strongly weights are kept small."""
    optimizer: str = "adamw"
    """How the weights move."""
    scheduler: str = "cosine_warm_restarts"
    """How the learning rate falls."""
    restart_epochs: int | None = Field(None, ge=1)
    """Epochs of the first cycle of cosine_warm_restarts; the whole training without."""
    reduce_lr_patience: int = Field(3, ge=0)
    """Epochs without improvement after which plateau lowers the learning rate."""
    reduce_lr_factor: float = Field(0.5, gt=0, le=1)
    """By which plateau lowers it."""
    min_lr: float = Field(1e-7, ge=0, le=1)
    """Lowest learning rate."""
    loss: str = "cross_entropy"
    """weighted gives both classes the same say, focal looks at hard images."""
    focal_alpha: float = Field(0.6, gt=0, le=1)
    """Share of the say that the positive class has in focal."""
    focal_gamma: float = Field(1.5, ge=0, le=10)
    """How much focal turns from easy images."""
    label_smoothing: float = Field(0.0, ge=0, le=0.5)
    """Share of each label that is spread over all classes."""
    monitor_metric: str = "val_auroc"
    """By which the best epoch is chosen. val_recall alone is won by calling all images ill."""
    early_stopping_patience: int = Field(5, ge=1)
    """Epochs without improvement after which the training ends."""
    early_stopping_min_delta: float = Field(0.001, ge=0, le=1)
    """Improvement that counts as one."""
    checkpoints_kept: int = Field(3, ge=1, le=100)
    """How many of the best epochs are kept while it trains."""
    gradient_clip_val: float | None = Field(1.0, gt=0)
    """Longest gradient; longer ones are cut to it."""
    accumulate_grad_batches: int = Field(1, ge=1, le=256)
    """Batches a step, where memory holds only small ones."""
    precision: str = "32-true"
    """Half the bits are faster where the device can."""
    channels_last: bool = False
    """Order weights in memory as many processors compute them faster."""
    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    """Where it computes."""
    devices: int = Field(1, ge=1, le=1024)
    """How many of them at once."""
    batch_sample_interval: int = Field(10, ge=1)
    """Batches from one point of the batches' curve to the next."""
    gradient_sample_interval: int = Field(20, ge=1)
    """Steps from one point of the gradient's curve to the next."""

    num_rounds: int = Field(3, ge=1, le=10_000)
    """Of a federated training: how often the clients' weights are averaged."""
    num_clients: int = Field(2, ge=2, le=100)
    """Of a federated training: how many hold images, each of its own patients."""
    clients_per_round: int | None = Field(None, ge=1, le=100)
    """How many clients learn in a round, drawn anew each time; null takes all."""
    local_epochs: int = Field(1, ge=1, le=1000)
    """Passes over its own images that a client makes in a round."""

    color_mode: Literal["RGB", "L"] = "RGB"
    """L is grey; RGB is what pretrained weights expect."""
    image_fit: Literal["pad", "stretch"] = "pad"
    """pad keeps how wide an image is to its height."""
    use_imagenet_norm: bool = True
    """Normalise as pretrained weights expect; without, to the middle of the range."""
    augmentation_strength: float = Field(1.0, ge=0, le=2)
    """How much each image is turned, shifted, zoomed and lit anew each time; 0 not at all."""
    zoom_share: float = Field(0.1, ge=0, le=0.45)
    """How much it is zoomed at strength 1."""
    stretch_share: float = Field(0.0, ge=0, le=0.45)
    """How much one side is zoomed more than the other. It changes proportions."""
    level_share: float = Field(0.1, ge=0, le=0.45)
    """How much brightness, contrast and gamma change at strength 1."""
    blur_share: float = Field(0.0, ge=0, le=1)
    """Share of images that are blurred or sharpened."""
    noise_share: float = Field(0.0, ge=0, le=0.45)
    """Strongest noise, as a share of all levels."""
    image_edge: Literal["black", "repeat"] = "black"
    """What comes in where an image is turned or shifted; repeat suits small images."""
    may_flip: bool = False
    """Exchange left and right. Not for chests: it puts the heart on the other side."""
    num_workers: int = Field(0, ge=0, le=MOST_PROCESSES)
    """Processes that load images."""
    pin_memory: bool = True
    """Keep batches where a graphics card fetches them faster."""
    persistent_workers: bool = False
    """Keep those processes from epoch to epoch."""
    prefetch_factor: int = Field(2, ge=1, le=16)
    """Batches that each of them loads ahead."""
    use_custom_preprocessing: bool = False
    """Whether contrast and edges are changed, as the next values say."""
    contrast_stretch: bool = True
    """Stretch grey levels between the two percentiles below."""
    equal_histogram: bool = False
    """Let all grey levels occur equally often, whatever the exposure was."""
    adaptive_histogram: bool = False
    """Even out contrast place by place (CLAHE)."""
    edge_enhancement: bool = False
    """Sharpen edges."""
    lower_percentile: float = Field(5.0, ge=0, le=100)
    """Levels below become black."""
    upper_percentile: float = Field(95.0, ge=0, le=100)
    """Levels above become white."""
    clip_limit: float = Field(2.0, gt=0)
    """How far evening out may go."""
    edge_strength: float = Field(1.0, ge=0, le=2)
    """How much edges are sharpened."""

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if (self.clients_per_round or 1) > self.num_clients:
            raise ValueError("clients_per_round is at most num_clients")
        if self.lower_percentile >= self.upper_percentile:
            raise ValueError("lower_percentile is below upper_percentile")
        if self.progressive_unfreeze and self.fine_tune_layers_count is None:
            raise ValueError(
                "progressive_unfreeze needs frozen layers: set fine_tune_layers_count, 0 for all"
            )
        return self


class FederatedSection(Section):
    """How clients learn together, where a training is federated."""

    strategy: Literal["fedavg", "fedprox"] = "fedavg"
    """Both average weights by the number of images; fedprox holds clients near each other."""
    proximal_mu: float = Field(0.01, ge=0, le=1000)
    """How strongly fedprox holds clients near the common weights."""
    partition: Literal["iid", "dirichlet"] = "iid"
    """Whether the patients of each class are dealt to clients evenly or not."""
    dirichlet_alpha: float = Field(0.5, gt=0, le=10_000)
    """The less, the more clients differ in what they hold."""
    minimum_clients: int = Field(1, ge=1, le=100)
    """Fewer answers than these end the training; it can be resumed."""
    clients_run: Literal["inside", "processes"] = "inside"
    """One after another in the training's own process, or each as a process, over gRPC."""
    round_seconds: float = Field(3600.0, gt=0, le=604_800)
    """A client that takes longer is left out of the round."""


class EvaluationSection(Section):
    """What is counted when the training is over."""

    prevalence: float | None = Field(None, gt=0, lt=1)
    """Share of ill people where the model will be used, for predictive values."""
    resamples: int = Field(1000, ge=50, le=10_000)
    """How often patients are drawn anew for the intervals."""
    abstention_percentile: float = Field(90.0, gt=0, lt=100)
    """Per cent of a class's images that keep it possible; where both are, no answer is given."""


class XrayConfig(Section):
    """One training's configuration, all of it."""

    system: SystemSection = SystemSection()
    columns: ColumnsSection = ColumnsSection()
    data: DataSection = DataSection()
    experiment: ExperimentSection = ExperimentSection()
    federated: FederatedSection = FederatedSection()
    evaluation: EvaluationSection = EvaluationSection()

    @model_validator(mode="after")
    def _few_processes(self) -> Self:
        clients = self.experiment.num_clients
        if self.federated.clients_run == "processes" and clients > MOST_PROCESSES:
            raise ValueError(
                f"clients that run as processes are at most {MOST_PROCESSES}, and num_clients is "
                f"{clients}; leave federated.clients_run at inside"
            )
        return self
