"""What is sent to be put into a report (contract 1.5), and what comparisons answer."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from deepmed.features.xray.schemas.fields import Answer

MOST_RESULTS = 500
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=0, le=1_000_000)]
Label = Annotated[str, Field(max_length=200)]
Base64 = Annotated[str, Field(max_length=32 << 20, description="A picture: PNG, JPEG, BMP or TIFF")]
Numbers = dict[str, Any]


class Given(BaseModel):
    """Fields that a report has no use for are passed over: answers of this server have more."""

    model_config = ConfigDict(extra="ignore", frozen=True, use_attribute_docstrings=True)


class GivenPrediction(Given):
    predicted_class: Label | None = None
    """What was decided."""
    confidence: Share | None = None
    """Probability of the predicted class."""
    pneumonia_probability: Share | None = None
    """As it was answered."""
    normal_probability: Share | None = None
    """As it was answered."""
    answer: Label | None = None
    """The class that was answered; none where the model abstained."""
    refused: bool = False
    """Whether the image was out of distribution."""


class GivenResult(Given):
    filename: Label
    """What the image is called."""
    success: bool = True
    """Whether it was answered."""
    prediction: GivenPrediction | None = None
    """What was answered."""
    error: Annotated[str, Field(max_length=2000)] | None = None
    """Why it was not."""
    heatmap_base64: Base64 | None = None
    """The map over the image."""
    original_image_base64: Base64 | None = None
    """The image."""


class GivenSummary(Given):
    total_images: Count
    """Of the batch."""
    successful: Count
    """Of them answered."""
    failed: Count
    """Of them not."""
    pneumonia_count: Count | None = None
    """Decided for PNEUMONIA."""
    normal_count: Count | None = None
    """Decided for NORMAL."""
    avg_confidence: Share | None = None
    """Mean over what was answered."""
    high_risk_count: Count | None = None
    """Not printed: nothing here shows that risks can be told."""


class SingleReport(Given):
    """One answer to be printed."""

    prediction: GivenPrediction
    """As it was answered."""
    filename: Label | None = None
    """What the image is called."""
    model_version: Label = "unknown"
    """As the answer named it."""
    processing_time_ms: Annotated[float, Field(ge=0, le=1e9, allow_inf_nan=False)] = 0
    """As the answer told it."""
    clinical_interpretation: dict[str, Any] | None = None
    """Not printed, see the report."""
    heatmap_base64: Base64 | None = None
    """The map over the image."""
    original_image_base64: Base64 | None = None
    """The image."""


class BatchReport(Given):
    """Many answers to be printed."""

    results: Annotated[list[GivenResult], Field(max_length=MOST_RESULTS)]
    """One an image."""
    summary: GivenSummary
    """As it was answered; it is counted again here."""
    model_version: Label = "unknown"
    """As the answer named it."""
    include_heatmaps: bool = False
    """Whether pictures that were sent are printed too."""


class ComparedRun(Answer):
    run_id: int
    """The run."""
    experiment_name: str
    """What it is called."""
    training_mode: str
    """centralized or federated."""
    status: str
    """in_progress, completed or failed."""
    classes: list[str] | None
    """What its model tells apart; null until it is completed."""
    threshold: float | None
    temperature: float | None
    validation: dict[str, Numbers] | None
    """Figures of its validation part by name; null until it is completed."""
    test: dict[str, Numbers] | None
    """Figures of its test part by name; null where it has none."""
    reason: str | None
    """Why it has nothing to compare."""


class AurocComparison(Answer):
    first: float
    second: float
    difference: float
    standard_error: float
    p_value: float


class RunDifference(Answer):
    run_id: int
    """The later run."""
    baseline: int
    """The first run, with which it is compared."""
    same_test: bool | None
    """Whether both were tested on the same images; null where one was not tested."""
    shared_patients: int | None
    n_items: int | None
    n_patients: int | None
    unit: str | None
    """What `n_patients` counts: patient, image where nobody is known, or both."""
    differences: dict[str, Numbers] | None
    """The later run's figures less the first's, by name, each with its interval over that unit."""
    auroc_test: AurocComparison | None
    """DeLong's test; `first` is the later run."""
    auroc_test_reason: str | None
    """Why there is none."""
    statements: list[str]
    """Each difference in a sentence."""
    reason: str | None
    """Why no difference is stated."""


class RunComparison(Answer):
    baseline: int
    """The first run."""
    runs: list[ComparedRun]
    """In the order in which they were named."""
    comparisons: list[RunDifference]
    """One a later run."""
    notes: list[str]
    """How to read the differences."""
