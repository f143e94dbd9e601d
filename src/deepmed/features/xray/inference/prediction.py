"""What is said of one image (X-17); numbers of the model, and whether they are an answer."""

from dataclasses import asdict, dataclass, field
from typing import Any

NO_INTERPRETATION = (
    "Nothing here shows that the probabilities are calibrated for this place's patients, so no "
    "clinical meaning is given to them: local calibration evidence is missing."
)
"""Why `risk_level` and `clinical_interpretation` are null (X-15)."""
_OF_AN_ANSWER = ("answer", "predicted_class", "decision", "confidence")
"""Fields that are null together, where there is no answer."""


@dataclass(frozen=True)
class ModelFacts:
    """Whose answer it is."""

    run_id: int
    run_name: str
    version: str
    classes: tuple[str, ...]

    @property
    def is_pneumonia(self) -> bool:
        """Whether the contract's two classes are the ones that the model tells apart."""
        return self.classes == ("NORMAL", "PNEUMONIA")


@dataclass(frozen=True)
class Withheld:
    """Whether an answer may be given, by the rule that validation fixed.

    Attributes:
        abstains: whether not exactly the decided class is possible.
        reason: why.
        possible: classes that validation's images do not rule out.
        band: from and to which probability of the second class no answer is given; None with
            several classes.
        percentile: per cent of a class's images that keep it possible.
    """

    abstains: bool
    reason: str | None
    possible: tuple[str, ...]
    band: tuple[float, float] | None
    percentile: float


@dataclass(frozen=True)
class OutOfDistribution:
    """Whether the image is one of those that the model was made for.

    Attributes:
        flagged: None where validation is too small to say; `reason` says so.
        p_value: share of validation's patients whose images are as unusual, all checks together.
        percentile: per cent of typical images that shall pass.
        reason: why it is flagged, or why nothing is said.
        checks: name, score, p_value and flagged of each look.
    """

    flagged: bool | None
    p_value: float | None
    percentile: float | None
    reason: str | None
    checks: tuple[dict[str, Any], ...] = ()


@dataclass(frozen=True, eq=False)
class HeatMap:
    """Which places the decided class rests on; no picture where that would mean nothing.

    Attributes:
        method: `grad_cam`, `grad_cam_plus_plus` or `occlusion`.
        explained_class: whose score the map explains.
        picture: PNG, the map over the image; None where it was refused.
        layer: PNG with transparency, the map alone, as large as `original`.
        original: PNG, the image, scaled down where it is large.
        faithfulness: scores of the map beside random and Sobel maps; None where not measured.
        beats_controls: whether the map does better than both; None where not measured.
        reason: why there is no picture.
        notes: what to mind in looking at it.
    """

    method: str
    explained_class: str
    picture: bytes | None
    layer: bytes | None
    original: bytes
    faithfulness: dict[str, Any] | None
    beats_controls: bool | None
    reason: str | None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Prediction:
    """The model's numbers for an image, and what is said of it.

    Attributes:
        model: whose answer it is.
        filename: of the upload, as a label.
        probabilities: calibrated, one a class.
        threshold: from which probability of the second class on that is decided; None with
            several classes.
        decision: what threshold or largest probability decides for, whether or not that is an
            answer: what a heat map explains.
        withheld: abstention.
        novelty: the gate.
        width: of the image in pixels, as read.
        height: likewise.
        notes: what was changed or noticed in reading the file.
        processing_time_ms: of reading and asking; the heat map is not counted.
        heatmap: where one was asked for.
        calibrated: False where training weighted classes and validation could not undo it.
    """

    model: ModelFacts
    filename: str
    probabilities: tuple[float, ...]
    threshold: float | None
    decision: str
    withheld: Withheld
    novelty: OutOfDistribution
    width: int
    height: int
    notes: tuple[str, ...]
    processing_time_ms: float
    heatmap: HeatMap | None = field(default=None)
    calibrated: bool = True

    @property
    def refused(self) -> bool:
        """The image is unlike those that the model was made for: no class is named at all."""
        return self.novelty.flagged is True

    @property
    def answer(self) -> str | None:
        """The class that is answered; None where the image is refused or the model abstains."""
        return None if self.refused or self.withheld.abstains else self.decision

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why there is no answer; empty where there is one."""
        refused = self.novelty.reason if self.refused else None
        return tuple(reason for reason in (refused, self.withheld.reason) if reason)

    @property
    def sentence(self) -> str:
        """The answer, or why there is none, for people."""
        if self.refused:
            return f"No answer. {self.novelty.reason}"
        if self.withheld.abstains:
            told = self.model.classes[1] if len(self.model.classes) == 2 else self.decision
            return f"No answer. {self.withheld.reason} {told} has {self._in_words(told)}."
        return f"{self.decision}, with {self._in_words(self.decision)}."

    @property
    def confidence(self) -> float | None:
        """The probability of the class that is answered; None without an answer."""
        return None if self.answer is None else self.share_of(self.answer)

    def share_of(self, name: str) -> float | None:
        """The probability of a class; None where the model has none of that name."""
        shares = dict(zip(self.model.classes, self.probabilities, strict=True))
        return shares.get(name)

    def to_dict(self) -> dict[str, Any]:
        """The contract's fields, and ours beside them; pictures are left out."""
        absent = {"clinical_interpretation": NO_INTERPRETATION}
        if not self.model.is_pneumonia:
            names = ", ".join(self.model.classes)
            why = f"The model tells other classes apart: {names}. See probabilities."
            absent |= dict.fromkeys(("pneumonia_probability", "normal_probability"), why)
        if self.answer is None:
            absent |= dict.fromkeys(_OF_AN_ANSWER, " ".join(self.reasons))
        return {
            "predicted_class": self.answer,
            "confidence": self.confidence,
            "pneumonia_probability": self._contract_share("PNEUMONIA"),
            "normal_probability": self._contract_share("NORMAL"),
            "probabilities": dict(zip(self.model.classes, self.probabilities, strict=True)),
            "calibrated": self.calibrated,
            "decision": self.answer,
            "threshold": self.threshold,
            "answer": self.answer,
            "refused": self.refused,
            "abstention": asdict(self.withheld),
            "out_of_distribution": asdict(self.novelty),
            "width": self.width,
            "height": self.height,
            "notes": list(self.notes),
            "reasons": absent,
        }

    def _in_words(self, name: str) -> str:
        kind = "a calibrated probability" if self.calibrated else "a probability, not calibrated,"
        return f"{kind} of {100 * (self.share_of(name) or 0.0):.1f} %"

    def _contract_share(self, name: str) -> float | None:
        return self.share_of(name) if self.model.is_pneumonia else None
