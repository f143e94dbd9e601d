"""Everything that explains one drawing's score, in one go and without words (D-17, D-18)."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from deepmed.learning.encoders import Image, Prepared
from deepmed.learning.errors import SaliencyGenerationError
from deepmed.learning.saliency.faithfulness import Faithfulness, measure_faithfulness
from deepmed.learning.saliency.features import (
    DrawingContent,
    RegionContent,
    VisualFeatureIdentifier,
)
from deepmed.learning.saliency.fills import Fill, Ranking, choose_fill
from deepmed.learning.saliency.generator import SaliencyMapGenerator
from deepmed.learning.saliency.maps import SaliencyMap, map_key, picture_hash
from deepmed.learning.saliency.overlays import Overlay, SaliencyOverlayGenerator
from deepmed.learning.saliency.regions import ImportanceRegionDetector
from deepmed.learning.saliency.report import GateResult
from deepmed.learning.saliency.score import ScoreFunction

DEFAULT_METHOD = "two_sided_occlusion"


@dataclass(frozen=True, eq=False)
class CompleteAnalysis:
    """What explains one drawing's score.

    Attributes:
        key: the name under which the map is kept; see `map_key`.
        saliency_map: what raises the score, and where.
        faithfulness: of this very map beside the controls; None where it was not measured.
        not_measured: why not, None where it was.
        faithful: whether the model's gate lets maps by this method be called faithful; None where
            the model has no such figure.
        regions: the places that carry most of the map, each with what was measured in it.
        content: measured facts of the drawing.
        overlays: by kind.
    """

    key: str
    saliency_map: SaliencyMap
    faithfulness: Faithfulness | None
    not_measured: str | None
    faithful: bool | None
    regions: list[RegionContent]
    content: DrawingContent
    overlays: dict[str, Overlay]

    def to_dict(self) -> dict[str, Any]:
        """All figures, without pictures, for JSON."""
        made, found = self.saliency_map, self.faithfulness
        return {
            "key": self.key,
            "method": made.method,
            "explains_score": made.explains_score,
            "fill": made.fill,
            "score": made.score,
            "encoder": made.encoder,
            "values": made.values.tolist(),
            "frame": list(made.frame),
            "faithfulness": None if found is None else found.scores,
            "not_measured": self.not_measured,
            "faithful": self.faithful,
            "regions": [region.to_dict() for region in self.regions],
            "content": self.content.to_dict(),
        }


@dataclass(frozen=True)
class InterpretabilityPipeline:
    """Explains drawings of one model.

    Attributes:
        model_key: names encoder and fitted detector; part of every map's key.
        identifier: measures drawings and knows the model's typical ones.
        gate_result: the model's own faithfulness, from held-out drawings.
        method: which map is made; see `choose_method`.
        regions: finds places in maps.
        overlays: draws maps.

    Example:
        >>> from deepmed.learning.saliency.example import example_page, example_sheet
        >>> page, drawing = example_page(), example_sheet(5, bar=True)
        >>> pipeline = InterpretabilityPipeline("model-1")
        >>> found = pipeline.generate_complete_analysis(
        ...     drawing, page.page, page.function, lambda scores: 1 / (1 + scores / 40), page.page)
        >>> found.regions[0].region.spatial_location, found.faithful, sorted(found.overlays)
        ('upper left', None, ['heatmap'])
    """

    model_key: str
    identifier: VisualFeatureIdentifier = field(default_factory=lambda: VisualFeatureIdentifier([]))
    gate_result: GateResult | None = None
    method: str = DEFAULT_METHOD
    regions: ImportanceRegionDetector = field(default_factory=ImportanceRegionDetector)
    overlays: SaliencyOverlayGenerator = field(default_factory=SaliencyOverlayGenerator)

    def generate_complete_analysis(
        self,
        image: Image,
        prepared: Prepared,
        function: ScoreFunction,
        ranking: Ranking,
        typical: Prepared | None = None,
        *,
        overlay_types: Sequence[str] = ("heatmap",),
        measure: bool = True,
        seed: int = 0,
    ) -> CompleteAnalysis:
        """Map, faithfulness, regions, facts and overlays of one drawing.

        Args:
            image: (H, W, 3) uint8, the original.
            prepared: the same, prepared by the function's encoder.
            function: encoder, further columns and detector, the twin's where the twin scores it.
            ranking: from scores to the drawing's own p.
            typical: the nearest typical drawing of the fitting part, prepared.
            overlay_types: `heatmap`, `contour`, `masked`, `side_by_side`.
            measure: whether this map's own faithfulness is wanted; it costs 170 encoded pictures.
            seed: of the controls.

        Returns:
            The analysis. Where nothing usual can stand in for patches, the map compares with paper
            and its faithfulness is None with the reason.

        Raises:
            SaliencyGenerationError: the map could not be made.
            NotDifferentiableError: the method needs a gradient that the detector lacks.
        """
        fill, refusal = _fill_or_reason(function, prepared, ranking, typical)
        generator = SaliencyMapGenerator(function, seed)
        made = generator.generate_saliency_map(prepared, self.method, fill)
        found = None
        if fill is not None and measure:
            page = function.at(prepared)
            found = measure_faithfulness(page, ranking, [made], fill, seed=seed)
        boxes = self.regions.detect_bounding_boxes(made, (image.shape[1], image.shape[0]))
        return CompleteAnalysis(
            key=map_key(picture_hash(image), self.model_key, made.method, function.append),
            saliency_map=made,
            faithfulness=found,
            not_measured=refusal or (None if measure else "It was not asked for."),
            faithful=self._faithful(),
            regions=self.identifier.identify_important_regions(image, boxes),
            content=self.identifier.analyze_drawing_content(image),
            overlays={
                kind: self.overlays.create_overlay(kind, image, made) for kind in overlay_types
            },
        )

    def _faithful(self) -> bool | None:
        return None if self.gate_result is None else self.method in self.gate_result.faithful


def _fill_or_reason(
    function: ScoreFunction, prepared: Prepared, ranking: Ranking, typical: Prepared | None
) -> tuple[Fill | None, str | None]:
    try:
        return choose_fill(function.at(prepared), ranking, typical), None
    except SaliencyGenerationError as error:
        return None, str(error)
