"""What the routes answer, from what the model said."""

import base64
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from fastapi import UploadFile

from deepmed.features.xray.inference.batches import Batch
from deepmed.features.xray.inference.prediction import HeatMap, ModelFacts, Prediction
from deepmed.features.xray.inference.receiving import content_of, label_of
from deepmed.features.xray.inference.schemas import (
    BatchItem,
    BatchResponse,
    BatchSummary,
    InferenceHealth,
    InferencePrediction,
    InferenceResponse,
    MapBatch,
    MapFaithfulness,
    MapItem,
    PredictedImage,
    ServedBy,
    ServingChoice,
)
from deepmed.features.xray.inference.service import Asked, MapWanted, XrayInference
from deepmed.features.xray.turns import BusyError
from deepmed.kit.errors import ModelError, ValidationError

MOST_FILES = 500
_NO_RISK = (
    "Risks are not counted: nothing here shows that probabilities are calibrated for this place."
)
_OTHER_CLASSES = "The model tells other classes apart; see class_counts."
_NOTHING_READ = "No image was answered."
Answer = TypeVar("Answer")


def predict(
    inference: XrayInference, run_id: int | None, file: UploadFile, wanted: MapWanted | None
) -> InferenceResponse:
    content = content_of(file.file, inference.home.settings)
    with inference.asking(run_id) as asked:
        made = asked.predict(content, label_of(file.filename), wanted)
    return InferenceResponse(
        success=True,
        prediction=_said(made),
        clinical_interpretation=None,
        model_version=made.model.version,
        served_by=served_by(made.model),
        processing_time_ms=made.processing_time_ms,
        heatmap_base64=None if made.heatmap is None else _text(made.heatmap.picture),
    )


def predict_batch(
    inference: XrayInference,
    run_id: int | None,
    files: Sequence[UploadFile],
    gone: Callable[[], bool] | None = None,
) -> BatchResponse:
    """`gone` says whether nobody waits for the answer any more."""
    _check_number(files)
    begun, batch = time.perf_counter(), Batch(gone)
    with inference.asking(run_id) as asked:
        pairs = [_item(asked, batch, file) for file in files]
    items = [item for item, _ in pairs]
    return BatchResponse(
        success=True,
        results=items,
        summary=_summary(asked.facts, items, [made for _, made in pairs if made is not None]),
        model_version=asked.facts.version,
        served_by=served_by(asked.facts),
        total_processing_time_ms=_since(begun),
    )


def heat_map(
    inference: XrayInference, run_id: int | None, file: UploadFile, wanted: MapWanted
) -> MapItem:
    content = content_of(file.file, inference.home.settings)
    with inference.asking(run_id) as asked:
        return _mapped(asked, content, label_of(file.filename), wanted)


def heat_map_batch(
    inference: XrayInference,
    run_id: int | None,
    files: Sequence[UploadFile],
    wanted: MapWanted,
    gone: Callable[[], bool] | None = None,
) -> MapBatch:
    """`gone` as in `predict_batch`."""
    _check_number(files)
    begun, batch = time.perf_counter(), Batch(gone)
    with inference.asking(run_id) as asked:
        items = [_map_item(asked, batch, file, wanted) for file in files]
    return MapBatch(success=True, results=items, total_processing_time_ms=_since(begun))


def predict_image(
    inference: XrayInference, run_id: int | None, file: UploadFile, package: UploadFile | None
) -> PredictedImage:
    if package is not None:
        raise ValidationError(
            "A package of somebody's model holds a program, which is not run here; nothing was "
            "predicted. Leave it out, and name a run of this installation by run_id."
        )
    content = content_of(file.file, inference.home.settings)
    made = inference.predict(run_id, content, label_of(file.filename))
    return PredictedImage(
        output=made.sentence, prediction=_said(made), served_by=served_by(made.model)
    )


def health(inference: XrayInference) -> InferenceHealth:
    """Looks at what is there; loads nothing."""
    gpu = _gpu()
    reasons = {} if gpu is not None else {"gpu_available": "Nothing was computed here yet."}
    try:
        serving = inference.serving()
        facts, loaded = inference.state()
    except ModelError as error:
        return InferenceHealth(
            status="unhealthy",
            model_loaded=False,
            gpu_available=gpu,
            model_version=None,
            served_by=None,
            served_because=None,
            reasons=reasons
            | dict.fromkeys(
                ("status", "model_version", "served_by", "served_because"), error.message
            ),
        )
    if not loaded:
        reasons["status"] = "The model is loaded with the first answer."
    return InferenceHealth(
        status="healthy" if loaded else "degraded",
        model_loaded=loaded,
        gpu_available=gpu,
        model_version=facts.version,
        served_by=served_by(facts),
        served_because=serving.because,
        reasons=reasons,
    )


def choice(inference: XrayInference) -> ServingChoice:
    serving = inference.serving()
    facts, _ = inference.state()
    return ServingChoice(
        chosen=serving.chosen, served_because=serving.because, served_by=served_by(facts)
    )


def served_by(facts: ModelFacts) -> ServedBy:
    return ServedBy(
        run_id=facts.run_id,
        run_name=facts.run_name,
        classes=list(facts.classes),
        model_version=facts.version,
    )


def _item(asked: Asked, batch: Batch, file: UploadFile) -> tuple[BatchItem, Prediction | None]:
    """One of many: what is wrong with it is told there, and the others are answered."""
    begun, name = time.perf_counter(), label_of(file.filename)
    made = _answered(batch, lambda: asked.predict(content_of(file.file, asked.settings), name))
    if isinstance(made, str):
        failed = BatchItem(
            filename=name, success=False, error=made, processing_time_ms=_since(begun)
        )
        return failed, None
    batch.answered()
    took = made.processing_time_ms
    return (
        BatchItem(filename=name, success=True, prediction=_said(made), processing_time_ms=took),
        made,
    )


def _summary(
    facts: ModelFacts, items: Sequence[BatchItem], made: Sequence[Prediction]
) -> BatchSummary:
    counted = Counter(one.answer for one in made if one.answer is not None)
    counts = {name: counted[name] for name in facts.classes}
    sure = [one.confidence for one in made if one.confidence is not None]
    reasons = {"high_risk_count": _NO_RISK}
    if not sure:
        reasons["avg_confidence"] = _NOTHING_READ
    if not facts.is_pneumonia:
        reasons |= dict.fromkeys(("normal_count", "pneumonia_count"), _OTHER_CLASSES)
    times = [item.processing_time_ms for item in items]
    return BatchSummary(
        total_images=len(items),
        successful=len(made),
        failed=len(items) - len(made),
        normal_count=counts["NORMAL"] if facts.is_pneumonia else None,
        pneumonia_count=counts["PNEUMONIA"] if facts.is_pneumonia else None,
        class_counts=counts,
        abstained=sum(one.withheld.abstains and not one.refused for one in made),
        refused=sum(one.refused for one in made),
        avg_confidence=sum(sure) / len(sure) if sure else None,
        avg_processing_time_ms=sum(times) / len(times) if times else None,
        high_risk_count=None,
        reasons=reasons,
    )


def _map_item(asked: Asked, batch: Batch, file: UploadFile, wanted: MapWanted) -> MapItem:
    begun, name = time.perf_counter(), label_of(file.filename)
    made = _answered(
        batch, lambda: _mapped(asked, content_of(file.file, asked.settings), name, wanted)
    )
    if isinstance(made, str):
        return MapItem(success=False, filename=name, error=made, processing_time_ms=_since(begun))
    batch.answered(made.heatmap_base64, made.original_image_base64)
    return made


def _answered(batch: Batch, ask: Callable[[], Answer]) -> Answer | str:
    """The answer, or why this one of many has none."""
    refusal = batch.refusal()
    if refusal is not None:
        return refusal
    try:
        return ask()
    except ValidationError as error:
        return error.message
    except BusyError as error:
        return batch.stop(error)


def _mapped(asked: Asked, content: bytes, name: str, wanted: MapWanted) -> MapItem:
    begun = time.perf_counter()
    made = asked.predict(content, name, wanted)
    drawn = made.heatmap
    if drawn is None:
        raise RuntimeError("A map was asked for and none was made.")
    return MapItem(
        success=True,
        filename=name,
        heatmap_base64=_text(drawn.picture),
        original_image_base64=_text(drawn.original),
        method=wanted.method,
        explained_class=None if made.refused else drawn.explained_class,
        refused=drawn.picture is None,
        reason=drawn.reason,
        faithfulness=_faithfulness(drawn),
        notes=list(drawn.notes),
        prediction=_said(made),
        processing_time_ms=_since(begun),
    )


def _faithfulness(drawn: HeatMap) -> MapFaithfulness | None:
    if drawn.faithfulness is None:
        return None
    names = (
        "probability", "baseline", "baseline_probability", "scores", "random_orders",
        "random_range",
    )  # fmt: skip
    told: dict[str, Any] = {name: drawn.faithfulness[name] for name in names}
    return MapFaithfulness(**told, beats_controls=bool(drawn.beats_controls))


def _said(made: Prediction) -> InferencePrediction:
    return InferencePrediction.model_validate(made.to_dict())


def _text(picture: bytes | None) -> str | None:
    return None if picture is None else base64.b64encode(picture).decode()


def _check_number(files: Sequence[UploadFile]) -> None:
    if len(files) > MOST_FILES:
        raise ValidationError(
            f"{len(files)} files were sent and {MOST_FILES} are the most; nothing was predicted. "
            "Send them in several requests."
        )


def _gpu() -> bool | None:
    """Whether there is one; who only asks for health does not load what would tell."""
    torch: Any = sys.modules.get("torch")
    return None if torch is None else bool(torch.cuda.is_available())


def _since(begun: float) -> float:
    return 1000 * (time.perf_counter() - begun)
