"""Which places of an image the decided class rests on, drawn, measured, or refused (X-17)."""

import io
from typing import Any

from PIL import Image as Pillow

from deepmed.features.xray.inference.prediction import HeatMap, Prediction
from deepmed.features.xray.inference.served_model import ServedModel
from deepmed.features.xray.inference.shown import small
from deepmed.features.xray.runs.map_checks import MapCheck
from deepmed.kit.errors import ValidationError
from deepmed.kit.pictures import Pixels, encode_png
from deepmed.learning.class_activation import ALL_METHODS, ClassExplanation, explain_class
from deepmed.learning.imaging import Preprocessing
from deepmed.learning.saliency.maps import Frame, SaliencyMap
from deepmed.learning.saliency.overlays import SaliencyOverlayGenerator

COLOUR_MAP, ALPHA = "viridis", 0.4
_NOT_ANSWERED = (
    "No map was made: the image is unlike those that the model was made for, so there is no class "
    "that it could explain."
)
_WORSE = (
    "This map says no more of this image than the best of many random orders of its patches, or "
    "than its edges; do not rely on it."
)
_OTHER_METHOD = "Ask for a map by another method."
_NOT_MEASURED = "How faithful this map is was not measured."


def heat_map(
    model: ServedModel,
    image: Pixels,
    made: Prediction,
    method: str,
    *,
    colour_map: str = COLOUR_MAP,
    alpha: float = ALPHA,
    measured: bool = True,
) -> HeatMap:
    """The map of the decided class; without a picture, and with the reason, where it says nothing.

    Args:
        model: that decided.
        image: (height, width, 3).
        made: what the model said of it.
        method: `grad_cam`, `grad_cam_plus_plus` or `occlusion`.
        colour_map: `viridis`, `hot`, `jet`, `ember` or `grey`.
        alpha: how much the largest value covers.
        measured: whether insertion and deletion are measured, which takes most of the time.

    Raises:
        ValidationError: there is no such method.
    """
    if method not in ALL_METHODS:
        raise ValidationError(
            f"There is no map by the method {method!r}; there are: {', '.join(ALL_METHODS)}."
        )
    shown = small(image)
    if made.refused:
        return HeatMap(
            method, made.decision, None, None, encode_png(shown), None, None, _NOT_ANSWERED
        )
    original, known = encode_png(shown), MapCheck.of(model.loaded.record, method)
    if known.passed is False:
        why_not = f"No map was made. {known.words} {_OTHER_METHOD}"
        return HeatMap(method, made.decision, None, None, original, None, None, why_not)
    found = _explained(model, image, made, method, measured=measured)
    reason = found.reasons.get("faithfulness") or found.reasons.get(method)
    if reason is not None:
        return HeatMap(method, made.decision, None, None, original, None, None, reason)
    framed = _on(shown, found.maps[method], model.loaded.preprocessing)
    draw = SaliencyOverlayGenerator(colour_map)
    page = (shown.shape[1], shown.shape[0])
    faithful = None if found.faithfulness is None else found.faithfulness.to_dict()
    beats = None if found.faithfulness is None else found.faithfulness.beats_controls(method)
    return HeatMap(
        method=method,
        explained_class=made.decision,
        picture=draw.save_overlay(draw.create_heatmap_overlay(shown, framed, alpha)),
        layer=_png_with_alpha(draw.create_heatmap_layer(page, framed).picture),
        original=original,
        faithfulness=faithful,
        beats_controls=beats,
        reason=None,
        notes=_notes(beats, known),
    )


def frame_of(preprocessing: Preprocessing, height: int, width: int) -> Frame:
    """Where the network's input lies over an image of this size: it reaches beyond a padded one."""
    rows, columns = preprocessing.size
    top, left, inner_rows, inner_columns = preprocessing.placement(height, width)
    down, across = height / inner_rows, width / inner_columns
    return (
        -left * across,
        -top * down,
        (columns - left) * across,
        (rows - top) * down,
    )


def _explained(
    model: ServedModel, image: Pixels, made: Prediction, method: str, *, measured: bool
) -> ClassExplanation:
    return explain_class(
        model.loaded.network,
        model.loaded.tensor(image),
        made.model.classes.index(made.decision),
        methods=[method],
        temperature=model.loaded.point.temperature,
        offsets=model.loaded.point.offsets,
        measured=measured,
    )


def _on(shown: Pixels, found: SaliencyMap, preprocessing: Preprocessing) -> SaliencyMap:
    from dataclasses import replace  # noqa: PLC0415 - with what it is for

    return replace(found, frame=frame_of(preprocessing, *shown.shape[:2]))


def _notes(beats: bool | None, known: MapCheck) -> tuple[str, ...]:  # noqa: FBT001 - what the note is about
    measured = {None: _NOT_MEASURED, False: _WORSE, True: None}[beats]
    return tuple(filter(None, (measured, known.mind)))


def _png_with_alpha(layer: Any) -> bytes:
    buffer = io.BytesIO()
    Pillow.fromarray(layer).save(buffer, "PNG")
    return buffer.getvalue()
