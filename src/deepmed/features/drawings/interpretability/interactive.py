"""The places that raise a score, as a page lets people touch them (contract 2.3)."""

import json
from collections.abc import Mapping
from typing import Any

from deepmed.features.drawings.explanation.stored import StoredExplanation
from deepmed.features.drawings.interpretability.attention import attention_patches
from deepmed.features.drawings.report.maps import caption
from deepmed.features.drawings.schemas.interpretability import (
    InteractionMetadata,
    InteractiveInterpretabilityResponse,
    InteractiveRegion,
    as_reasons,
)
from deepmed.features.drawings.workbench import Workbench
from deepmed.learning.encoders.base import SIZE
from deepmed.learning.saliency.maps import SaliencyMap

NO_REGION_CONFIDENCE = (
    "How sure a single place is was not measured. How far the whole map can be trusted stands in "
    "`trust`."
)


def interactive(
    bench: Workbench, explanation: StoredExplanation
) -> InteractiveInterpretabilityResponse:
    regions = [region_of(found) for found in explanation.row.facts["regions"]]
    patches, reason = attention_patches(bench, explanation)
    stored = json.loads(bench.storage.get(explanation.row.saliency_map_path))
    rows, columns = SaliencyMap.from_dict(stored).values.shape
    height, width = explanation.image.shape[:2]
    return InteractiveInterpretabilityResponse(
        saliency_regions=regions,
        attention_patches=patches,
        region_explanations={each.region_id: each.click_explanation for each in regions},
        confidence_scores={each.region_id: None for each in regions},
        interaction_metadata=InteractionMetadata(
            total_regions=len(regions),
            total_patches=len(patches),
            image_dimensions=(width, height),
            patch_size=SIZE // rows,
            analysis_method=explanation.row.method,
            patch_grid=(rows, columns),
        ),
        faithful=explanation.faithfulness["faithful"],
        trust=caption(explanation),
        reasons=as_reasons(
            {"confidence_scores": NO_REGION_CONFIDENCE, "attention_patches": reason}
        ),
    )


def region_of(found: Mapping[str, Any]) -> InteractiveRegion:
    """A region with what was measured in it, in words for a glance and for a closer look."""
    region = found["region"]
    return InteractiveRegion(
        region_id=region["region_id"],
        bounding_box=region["bounding_box"],
        importance_score=region["importance_score"],
        spatial_location=region["spatial_location"],
        hover_explanation=_glance(region),
        click_explanation=f"{_glance(region)} {_inside(found)}",
        ink_coverage=found["ink_coverage"],
        ink_share=found["ink_share"],
        strokes=found["strokes"],
    )


def _glance(region: Mapping[str, Any]) -> str:
    where, share = region["spatial_location"], region["importance_score"]
    return f"{where.capitalize()}: {share:.0%} of what raises the score lies here."


def _inside(found: Mapping[str, Any]) -> str:
    if found["empty"]:
        return "Nothing is drawn here: it is the lack of ink that raises the score."
    lines = "one connected line" if found["strokes"] == 1 else f"{found['strokes']} connected lines"
    return (
        f"Ink covers {found['ink_coverage']:.0%} of it, in {lines}; that is "
        f"{found['ink_share']:.0%} of all the ink of the drawing."
    )
