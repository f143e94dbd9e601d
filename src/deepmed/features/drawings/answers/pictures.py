"""The pictures that explain an answer, and the values behind them."""

import json

from deepmed.features.drawings.answers.analysis import find
from deepmed.features.drawings.desk import Desk
from deepmed.features.drawings.explanation import repository as explanations
from deepmed.features.drawings.explanation.methods import DEFAULT_METHOD
from deepmed.features.drawings.tables import InterpretabilityResult
from deepmed.learning.saliency.maps import SaliencyMap
from deepmed.learning.saliency.overlays import SaliencyOverlayGenerator


def overlay(desk: Desk, analysis_id: int) -> bytes:
    return desk.bench.storage.get(_explained(desk, analysis_id).overlay_image_path)


def saliency_data(desk: Desk, analysis_id: int) -> bytes:
    return desk.bench.storage.get(_explained(desk, analysis_id).saliency_map_path)


def saliency_layer(desk: Desk, analysis_id: int) -> bytes:
    row = find(desk, analysis_id)
    drawing = desk.catalogue.get(row.drawing_id)
    made = SaliencyMap.from_dict(json.loads(saliency_data(desk, analysis_id)))
    draw = SaliencyOverlayGenerator()
    return draw.save_overlay(draw.create_heatmap_layer((drawing.width, drawing.height), made))


def _explained(desk: Desk, analysis_id: int) -> InterpretabilityResult:
    """The stored explanation, made now where there is none."""
    row = find(desk, analysis_id)
    with desk.bench.database.read() as session:
        kept = explanations.stored(session, row.id, DEFAULT_METHOD)
    return kept or desk.explanations.explain_analysis(row).row
