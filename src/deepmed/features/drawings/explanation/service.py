"""Explanations of analyses: map, trust in it, regions, measured facts; kept with the analysis."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from deepmed.features.drawings.analysis.service import AnalysisService
from deepmed.features.drawings.comparison import ComparisonService, SimilarDrawing
from deepmed.features.drawings.explanation import repository
from deepmed.features.drawings.explanation.case import Case, CaseLoader, evenly
from deepmed.features.drawings.explanation.levels import why_only_a_bound
from deepmed.features.drawings.explanation.methods import DEFAULT_METHOD, MeasuredOn
from deepmed.features.drawings.explanation.model_figure import ModelFaithfulness
from deepmed.features.drawings.explanation.stored import StoredExplanation
from deepmed.features.drawings.explanation.trust import Trust, measure
from deepmed.features.drawings.tables import AnomalyAnalysis, InterpretabilityResult
from deepmed.features.drawings.workbench import Workbench
from deepmed.kit.errors import NotFoundError
from deepmed.kit.files import export
from deepmed.kit.pictures import read_stored
from deepmed.kit.storage import FileStorageService
from deepmed.learning.saliency.features import VisualFeatureIdentifier
from deepmed.learning.saliency.maps import SaliencyMap, map_key
from deepmed.learning.saliency.overlays import SaliencyOverlayGenerator
from deepmed.learning.saliency.regions import ImportanceRegionDetector

FOLDER = "explanations"
TYPICAL_MEASURED = 60
"""Typical drawings with which a drawing's measures are compared, at most."""
Progress = Callable[[int, int], None]
KINDS = ("heatmap", "contour", "masked", "side_by_side")


@dataclass(frozen=True)
class Explanation(StoredExplanation):
    """What explains an analysis under a model in use, with all that the model knows of it."""

    case: Case

    @classmethod
    def of(
        cls,
        row: InterpretabilityResult,
        case: Case,
        neighbours: list[SimilarDrawing],
        faithfulness: dict[str, Any],
    ) -> Self:
        bound = why_only_a_bound(case.reference.calibration, case.drawing.child_id)
        return cls(
            row=row,
            analysis=case.analysis,
            drawing=case.drawing,
            image=case.image,
            neighbours=neighbours,
            faithfulness=faithfulness,
            level_is_a_bound=bound is not None,
            case=case,
        )

    def write(self, folder: Path, storage: FileStorageService) -> list[str]:
        """Write the overlay pictures and their data into a folder; returns the paths.

        Raises:
            StorageError: they cannot be written there.
        """
        name = f"drawing_{self.drawing.id}_{self.row.method}"
        stored = json.loads(storage.get(self.row.saliency_map_path))
        made = SaliencyMap.from_dict(stored)
        files = {
            f"{name}_{kind}.png": content for kind, content in overlays(self.image, made).items()
        }
        files[f"{name}.json"] = json.dumps(self.to_dict() | {"map": stored}, indent=1).encode()
        return [str(export(folder / file, content)) for file, content in files.items()]

    def to_dict(self) -> dict[str, Any]:
        return {
            "drawing_id": self.drawing.id,
            "analysis_id": self.row.analysis_id,
            "method": self.row.method,
            "importance_regions": self.regions,
            "facts": self.row.facts,
            "faithfulness": self.faithfulness,
            "neighbours": [one.to_dict() for one in self.neighbours],
        }


class ExplanationService:
    """Explains analyses of one owner; the same analysis is explained once per method."""

    def __init__(self, bench: Workbench, analyses: AnalysisService | None = None) -> None:
        self.bench = bench
        self.cases = CaseLoader(bench, analyses)
        self.comparisons = ComparisonService(bench, self.cases.analyses)
        self.figures = ModelFaithfulness(bench, self.cases)
        self._measured: dict[tuple[int, bool], VisualFeatureIdentifier] = {}

    def explain(self, drawing_id: int, method: str | None = None) -> Explanation:
        """Explain a drawing's newest analysis.

        Raises:
            NotFoundError: no such drawing.
            ConflictError: the drawing has no score.
            SaliencyGenerationError: there is no such method, or it cannot explain this model.
        """
        return self._explain(self.cases.load(drawing_id), method or DEFAULT_METHOD)

    def explain_analysis(self, row: AnomalyAnalysis) -> Explanation:
        """Explain an analysis by the default method; raises as `explain` does."""
        return self._explain(self.cases.of(row), DEFAULT_METHOD)

    def measure_map(self, row: AnomalyAnalysis, method: str | None = None) -> Explanation:
        """Explain an analysis and measure its own map, however long the encoder takes for that.

        The figure is kept with the explanation, and stands in place of the model's from then on.

        Raises:
            ConflictError: the drawing has no score.
            NotFoundError: the drawing was deleted meanwhile.
            SaliencyGenerationError: there is no such method, or it cannot explain this model.
        """
        case, method = self.cases.of(row), method or DEFAULT_METHOD
        found = self._explain(case, method)
        if found.row.faithfulness["measured_on"] == MeasuredOn.MAP:
            return found
        trust = measure(self.cases, case, method, however_slow=True)
        with self.bench.database.write() as session:
            kept = repository.stored(session, row.id, method)
            if kept is None:
                raise NotFoundError(
                    f"Drawing {row.drawing_id} was deleted while its map was measured."
                )
            kept.faithfulness = trust.to_dict()
        return self._explain(case, method)

    def measure_model(
        self, model_id: int, method: str | None = None, progress: Progress | None = None
    ) -> dict[str, Any]:
        """How faithful a model's maps are on drawings it never learned from; kept for its maps."""
        return self.figures.measure(model_id, method or DEFAULT_METHOD, progress)

    def overlay(self, explanation: Explanation) -> NDArray[np.uint8]:
        """The stored heat map over the drawing, (H, W, 3)."""
        return read_stored(self.bench.storage.get(explanation.row.overlay_image_path))

    def _explain(self, case: Case, method: str) -> Explanation:
        with self.bench.database.read() as session:
            row = repository.stored(session, case.analysis.id, method)
        row = row or self._store(case, method)
        with self.bench.database.read() as session:
            neighbours = self.comparisons.find_similar_normal_examples(session, case.drawing.id)
        figure = row.faithfulness
        if figure["measured_on"] == MeasuredOn.MODEL:
            figure = figure | self.figures.find(case, method)
        return Explanation.of(row, case, neighbours, figure)

    def _store(self, case: Case, method: str) -> InterpretabilityResult:
        trust = measure(self.cases, case, method)
        made = trust.map
        # The analysis, not the picture alone: what fills a patch depends on who is compared with.
        key = map_key(
            case.drawing.pixel_hash, case.analysis.inputs_hash, method, case.further_columns
        )
        saliency_path, overlay_path = f"{FOLDER}/{key}.json", f"{FOLDER}/{key}.png"
        overlay = SaliencyOverlayGenerator().create_heatmap_overlay(case.image, made)
        self.bench.storage.put(saliency_path, json.dumps(made.to_dict()).encode())
        self.bench.storage.put(overlay_path, SaliencyOverlayGenerator().save_overlay(overlay))
        row = self._row(case, method, trust)
        row.saliency_map_path, row.overlay_image_path = saliency_path, overlay_path
        with self.bench.database.write() as session:
            there = repository.stored(session, case.analysis.id, method)
            return there or repository.add(session, row)

    def _row(self, case: Case, method: str, trust: Trust) -> InterpretabilityResult:
        height, width = case.image.shape[:2]
        regions = ImportanceRegionDetector().detect_bounding_boxes(trust.map, (width, height))
        features = self._features(case)
        return InterpretabilityResult(
            analysis_id=case.analysis.id,
            method=method,
            importance_regions=[region.to_dict() for region in regions],
            facts={
                "content": features.analyze_drawing_content(case.image).to_dict(),
                "regions": [
                    found.to_dict()
                    for found in features.identify_important_regions(case.image, regions)
                ],
            },
            faithfulness=trust.to_dict(),
        )

    def _features(self, case: Case) -> VisualFeatureIdentifier:
        key = (case.item.row.id, case.twin)
        if key not in self._measured:
            chosen = evenly(case.typical_ids, TYPICAL_MEASURED)
            with self.bench.database.read() as session:
                files = [repository.file_of(session, drawing) for drawing in chosen]
            self._measured[key] = VisualFeatureIdentifier(
                [self.bench.encoding.picture(file) for file in files]
            )
        return self._measured[key]


def overlays(image: NDArray[np.uint8], made: SaliencyMap) -> dict[str, bytes]:
    """All four overlay pictures as PNG, by kind."""
    draw = SaliencyOverlayGenerator()
    pictures = (
        draw.create_heatmap_overlay(image, made),
        draw.create_contour_overlay(image, made),
        draw.create_masked_overlay(image, made),
        draw.create_side_by_side_comparison(image, made),
    )
    return {kind: draw.save_overlay(one) for kind, one in zip(KINDS, pictures, strict=True)}
