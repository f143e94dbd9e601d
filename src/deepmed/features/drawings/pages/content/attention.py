"""Where on the page the encoder looked most, where it is one that attends (D-17)."""

from typing import Any

from deepmed.features.drawings.analysis import repository
from deepmed.features.drawings.desk import Desk
from deepmed.features.drawings.interpretability.attention import attention_patches
from deepmed.features.drawings.interpretability.loading import ExplanationLoader
from deepmed.features.drawings.schemas.interpretability import AttentionPatch
from deepmed.learning.saliency.attention import HasAttention
from deepmed.web.charts import Table

NO_ATTENTION = "the present one has none; only vision transformers attend."
COLUMNS = ("patch", "left", "top", "width", "height", "share of the head", "layer", "head")


def content(desk: Desk, drawing_id: int) -> dict[str, Any]:
    """The patches of the newest answer, or why there are none. Raises NotFoundError."""
    drawing = desk.catalogue.get(drawing_id)
    with desk.home.database.read() as session:
        rows, _ = repository.history(session, desk.home.owner_id, drawing_id, 1)
    if not rows:
        return {"drawing": drawing, "patches": [], "reason": "It has not been analysed yet."}
    if not isinstance(desk.bench.encoding.encoder, HasAttention):
        return {"drawing": drawing, "patches": [], "reason": NO_ATTENTION}
    known = ExplanationLoader(desk.explanations).known(rows[0].id)
    if known.explanation is None:
        return {"drawing": drawing, "patches": [], "reason": known.reason}
    patches, reason = attention_patches(desk.bench, known.explanation)
    return {
        "drawing": drawing,
        "patches": patches,
        "reason": reason,
        "table": Table(
            list(COLUMNS), [_row(number, each) for number, each in enumerate(patches, 1)]
        ),
    }


def _row(number: int, patch: AttentionPatch) -> list[object]:
    return [
        number,
        *patch.coordinates,
        patch.attention_weight,
        patch.layer_index + 1,
        patch.head_index + 1,
    ]
