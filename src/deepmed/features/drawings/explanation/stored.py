"""What is kept of an explanation: enough to tell it again when its model is in use no more."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deepmed.features.drawings.comparison import SimilarDrawing
from deepmed.features.drawings.explanation.texts import ExplanationGenerator, Facts, Place, Reader
from deepmed.features.drawings.tables import AnomalyAnalysis, Drawing, InterpretabilityResult
from deepmed.kit.settings import Settings


@dataclass(frozen=True)
class StoredExplanation:
    """What explains one analysis; every number is stored with it."""

    row: InterpretabilityResult
    analysis: AnomalyAnalysis
    drawing: Drawing
    image: NDArray[np.uint8]
    neighbours: list[SimilarDrawing]
    faithfulness: dict[str, Any]
    """Of this map; of the model's maps where the encoder is too slow to measure each."""
    level_is_a_bound: bool
    """Fewer typical drawings than the attained level says may be flagged; see `levels`."""

    @property
    def regions(self) -> list[dict[str, Any]]:
        return list(self.row.importance_regions)

    def text(self, reader: Reader, settings: Settings) -> list[str]:
        generator = ExplanationGenerator(parent_texts=settings.parent_texts)
        return generator.generate_explanation(self.facts(), reader)

    def facts(self) -> Facts:
        """The measured facts, as the texts take them."""
        content = self.row.facts["content"]
        ink = content["facts"]["ink_coverage"]
        return replace(
            facts_of(self.analysis, level_is_a_bound=self.level_is_a_bound),
            ink_percent=100 * ink["value"],
            ink_below=None if ink["rank"] is None else round(ink["rank"] * ink["compared"]),
            ink_compared=ink["compared"],
            placement=content["placement"],
            regions=[_place(found) for found in self.row.facts["regions"]],
            map_is_faithful=self.faithfulness["faithful"],
            map_measured_on=self.faithfulness["measured_on"],
            neighbours=[(one.drawing_id, one.similarity_score) for one in self.neighbours],
        )


def facts_of(analysis: AnomalyAnalysis, *, level_is_a_bound: bool) -> Facts:
    """What is known of an answer without a map of the drawing."""
    ranking = analysis.results.get("ranking") or {}
    frequency = analysis.results.get("natural_frequency") or {}
    return Facts(
        decision=analysis.decision,
        reason=analysis.reason,
        is_anomaly=analysis.is_anomaly,
        normalized_score=analysis.normalized_score,
        percentile=ranking.get("percentile"),
        flagged_of_100=frequency.get("of_100_typical_drawings"),
        children=ranking.get("n_children"),
        role=analysis.role,
        at_most=analysis.decision == "ranked" and level_is_a_bound,
        undecided=analysis.confidence is not None and analysis.confidence < 0.5,
        borderline=bool(ranking.get("borderline")),
        among=analysis.results.get("among", "of this group"),
        confidence=analysis.confidence,
    )


def _place(found: dict[str, Any]) -> Place:
    region = found["region"]
    return Place(region["spatial_location"], region["importance_score"], found["empty"])
