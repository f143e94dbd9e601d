"""What the encoder attended to, where it is one that attends (D-17)."""

from deepmed.features.drawings.explanation.stored import StoredExplanation
from deepmed.features.drawings.schemas.interpretability import AttentionPatch
from deepmed.features.drawings.workbench import Workbench
from deepmed.learning.errors import AttentionVisualizationError, ModelLoadingError
from deepmed.learning.saliency.attention import attention_pass
from deepmed.learning.saliency.strongest import AttendedPatch, strongest_patches

MOST_PATCHES = 5


def attention_patches(
    bench: Workbench, explanation: StoredExplanation
) -> tuple[list[AttentionPatch], str | None]:
    """The patches with the strongest attention, or none and the reason."""
    used = explanation.analysis.results["encoder"]
    if used != bench.encoding.identity.key:
        return [], f"The answer rests on the encoder {used}, which is not the present one."
    encoder = bench.encoding.encoder
    prepared = encoder.prepare([explanation.image])
    try:
        seen = attention_pass(encoder, prepared)
    except (AttentionVisualizationError, ModelLoadingError) as error:
        return [], str(error)
    x0, y0, x1, y1 = prepared.frames[0].tolist()
    height, width = explanation.image.shape[:2]
    found = strongest_patches(seen, (x0, y0, x1, y1), (width, height), MOST_PATCHES)
    return [_patch(number, patch) for number, patch in enumerate(found, 1)], None


def _patch(number: int, patch: AttendedPatch) -> AttentionPatch:
    left, top, right, bottom = patch.box
    return AttentionPatch(
        patch_id=f"patch_{number}",
        coordinates=(left, top, right - left, bottom - top),
        attention_weight=min(patch.weight, 1.0),  # bf16 may round a sum of shares above it
        layer_index=patch.layer,
        head_index=patch.head,
    )
