"""Answers about single images on the wire (contract 1.4); ours stand beside the contract's."""

from typing import Literal

from pydantic import Field

from deepmed.features.xray.schemas.fields import Answer

Method = Literal["grad_cam", "grad_cam_plus_plus", "occlusion"]
ColourMap = Literal["viridis", "hot", "jet"]
Reasons = dict[str, str]


class ServedBy(Answer):
    """Whose answers are given."""

    run_id: int
    """The run."""
    run_name: str
    """What the run is called."""
    classes: list[str]
    """What its model tells apart."""
    model_version: str
    """The run and the beginning of its artefact's name."""


class AbstentionAnswer(Answer):
    abstains: bool
    """Whether no answer is given, because not exactly the decided class is possible."""
    reason: str | None
    """Why; null where there is an answer."""
    possible: list[str]
    """Classes that validation's images do not rule out."""
    band: tuple[float, float] | None
    percentile: float


class NoveltyCheck(Answer):
    name: str
    """What was looked at: features, appearance, negative or colour."""
    score: float
    p_value: float
    flagged: bool
    """Whether this look alone is reason enough."""


class NoveltyAnswer(Answer):
    flagged: bool | None
    """Whether the image is unlike those of training; null where validation is too small to say."""
    p_value: float | None
    percentile: float | None
    reason: str | None
    """Why it is flagged, or why nothing is said."""
    checks: list[NoveltyCheck]
    """Each look by itself; none where nothing is said."""


class InferencePrediction(Answer):
    predicted_class: str | None
    """The same as `answer`."""
    confidence: float | None
    pneumonia_probability: float | None
    normal_probability: float | None
    probabilities: dict[str, float]
    """By class, as the run's test part was evaluated; also where they are no answer."""
    calibrated: bool
    """False where training weighted classes and validation could not undo what that moved."""
    decision: str | None
    """The same as `answer`: what the threshold, or the largest probability, decides for, where that
    is an answer."""
    threshold: float | None
    answer: str | None
    """The class that is answered; null where the image is refused or the model abstains."""
    refused: bool
    """Whether the image is out of distribution, so that no class is named."""
    abstention: AbstentionAnswer
    """Whether the decision is answered, by the rule that validation fixed."""
    out_of_distribution: NoveltyAnswer
    """Whether the image is one of those that the model was made for."""
    width: int
    height: int
    notes: list[str]
    """What was changed or noticed in reading the file."""
    reasons: Reasons
    """Why a field is null, by its name."""


class RiskAssessment(Answer):
    risk_level: Literal["LOW", "MODERATE", "HIGH"] | None
    """How much the answer matters; never CRITICAL."""
    false_negative_risk: Literal["LOW", "MODERATE", "HIGH"] | None
    """How likely something was missed."""
    factors: list[str]
    """What that rests on."""


class ClinicalInterpretation(Answer):
    """The contract's; it is never given without calibration evidence from the place of use."""

    summary: str
    """In a sentence."""
    confidence_explanation: str
    """What the probability means here."""
    risk_assessment: RiskAssessment
    """How much it matters, and how likely something was missed."""
    recommendations: list[str]
    """What to do."""
    disclaimer: str
    """What it is not for."""


class InferenceResponse(Answer):
    success: bool
    """Whether the image was read and the model asked."""
    prediction: InferencePrediction
    """What is said of the image."""
    clinical_interpretation: ClinicalInterpretation | None
    """Null: nothing shows that probabilities are calibrated for this place's patients."""
    model_version: str
    """The run and the beginning of its artefact's name."""
    served_by: ServedBy
    """Whose answer it is."""
    processing_time_ms: float
    heatmap_base64: str | None = None
    """PNG of the map over the image, where one was asked for and means something."""


class BatchItem(Answer):
    filename: str
    """As it was sent, without a path."""
    success: bool
    """Whether the image was read and the model asked."""
    prediction: InferencePrediction | None = None
    """Null where it was not."""
    clinical_interpretation: ClinicalInterpretation | None = None
    """As for one image."""
    error: str | None = None
    """Why there is no prediction."""
    processing_time_ms: float


class BatchSummary(Answer):
    total_images: int
    successful: int
    failed: int
    normal_count: int | None
    pneumonia_count: int | None
    class_counts: dict[str, int]
    """Images by the class that is answered."""
    abstained: int
    refused: int
    avg_confidence: float | None
    avg_processing_time_ms: float | None
    high_risk_count: int | None
    reasons: Reasons
    """Why a field is null, by its name."""


class BatchResponse(Answer):
    success: bool
    """Whether the batch was worked through; files may have failed all the same."""
    results: list[BatchItem]
    """One a file, in the order in which they were sent."""
    summary: BatchSummary
    """Counts over the results."""
    model_version: str
    """The run and the beginning of its artefact's name."""
    served_by: ServedBy
    """Whose answers they are."""
    total_processing_time_ms: float


class MapFaithfulness(Answer):
    probability: float
    baseline: str
    """What stood in patches that were taken away: blur, mean or noise."""
    baseline_probability: float
    scores: dict[str, float]
    """Insertion less deletion, by map: this one, the best of the random orders and the edges
    (Sobel)."""
    random_orders: int
    random_range: tuple[float, float]
    """The least and the largest score of a random order."""
    beats_controls: bool
    """Whether the map does better than every random order and than the image's edges."""


class MapItem(Answer):
    success: bool
    """Whether the image was read and looked at; the map may be refused all the same."""
    filename: str
    """As it was sent, without a path."""
    heatmap_base64: str | None = None
    """PNG of the map over the image; null where it would mean nothing, see `reason`."""
    original_image_base64: str | None = None
    """PNG of the image, scaled down to 1024 pixels a side where it is larger."""
    method: Method | None = None
    """How the map was made."""
    explained_class: str | None = None
    """The class whose score it explains: the one from whose side of the threshold the image is, or
    the most probable of several. It is no answer where `prediction.answer` is null."""
    refused: bool | None = None
    """Whether no map is shown, because it would mean nothing."""
    reason: str | None = None
    """Why."""
    faithfulness: MapFaithfulness | None = None
    """How the map does beside a random one and the edges; null where it was not measured."""
    notes: list[str] = Field(default_factory=list)
    """What to mind in looking at it."""
    prediction: InferencePrediction | None = None
    """What is said of the image."""
    error: str | None = None
    """Why there is nothing."""
    processing_time_ms: float


class MapBatch(Answer):
    success: bool
    """Whether the batch was worked through; files may have failed all the same."""
    results: list[MapItem]
    """One a file, in the order in which they were sent."""
    total_processing_time_ms: float


class InferenceHealth(Answer):
    status: Literal["healthy", "degraded", "unhealthy"]
    """Healthy: there is a model; degraded: it was not loaded yet, so that the first answer takes
    longer; unhealthy: there is none."""
    model_loaded: bool
    """Whether the model is in memory."""
    gpu_available: bool | None
    """Whether this process could compute on a GPU; answers are computed on the CPU."""
    model_version: str | None
    """The run and the beginning of its artefact's name; null where there is none."""
    served_by: ServedBy | None
    """Which run answers where a request names none; null where none does."""
    served_because: str | None
    """Why it is that run; null where there is none."""
    reasons: Reasons
    """Why a field is null, or the status not healthy."""


class PredictedImage(Answer):
    output: str
    """The answer in a sentence."""
    prediction: InferencePrediction
    """The same as numbers."""
    served_by: ServedBy
    """Whose answer it is."""


class ServingChoice(Answer):
    chosen: bool
    """Whether somebody chose the run, which then serves until another one is chosen."""
    served_because: str
    """Why it is that run."""
    served_by: ServedBy
    """Which run answers where a request names none."""


class ServingWanted(Answer):
    run_id: int | None
    """The run that shall answer; null for the newest that may unbidden: trained on all images, with
    a test part, no repetition of another run, and of two classes where there is one."""
