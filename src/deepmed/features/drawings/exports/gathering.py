"""Gathers what a file shows from the explanation, the notes and the nearest drawings."""

import json
from collections.abc import Sequence
from typing import Any

from sqlalchemy.orm import Session

from deepmed.features.drawings.analysis import repository as analyses
from deepmed.features.drawings.annotations import service as notes
from deepmed.features.drawings.annotations.service import AnnotationService
from deepmed.features.drawings.explanation.stored import StoredExplanation
from deepmed.features.drawings.explanation.texts import Reader, chip, place_of_100
from deepmed.features.drawings.exports.content import (
    Comparison,
    ExportContent,
    Line,
    Pixels,
    shrunk,
)
from deepmed.features.drawings.exports.options import Wanted
from deepmed.features.drawings.interpretability.interactive import region_of
from deepmed.features.drawings.interpretability.loading import ExplanationLoader, Known
from deepmed.features.drawings.interpretability.simplified import READERS, simplified
from deepmed.features.drawings.interpretability.wording import confidence_level
from deepmed.features.drawings.report import cards, maps
from deepmed.features.drawings.report.content import THUMBNAIL
from deepmed.features.drawings.report.words import MEANING
from deepmed.features.drawings.schemas.interpretability import SimplifiedExplanationResponse
from deepmed.features.drawings.tables import AnomalyAnalysis, Drawing
from deepmed.features.drawings.words import ROLE_WORDS
from deepmed.features.drawings.workbench import Workbench
from deepmed.kit import clock
from deepmed.kit.errors import NotFoundError
from deepmed.learning.saliency.maps import SaliencyMap
from deepmed.learning.saliency.overlays import SaliencyOverlayGenerator
from deepmed.web.charts import Table

LIMITS = (
    MEANING,
    "Typical means: like the drawings that were given for training. Another school, task or tool "
    "makes other drawings typical.",
)


class ContentGatherer:
    """Makes the content of files for one owner."""

    def __init__(self, loader: ExplanationLoader) -> None:
        self.loader = loader

    @property
    def bench(self) -> Workbench:
        return self.loader.bench

    def gather(self, analysis_id: int, wanted: Wanted) -> ExportContent:
        """The content of a file.

        Raises:
            NotFoundError: no such analysis, or it has no explanation.
            ConflictError: a text for parents was asked for and is switched off.
        """
        found = self.loader.load(analysis_id)
        known = Known(found.analysis, found.drawing, self.loader.model(found.analysis), found, None)
        plain = simplified(known, wanted.options.user_role, self.bench.settings)
        return ExportContent(
            explanation=found,
            wanted=wanted,
            made=clock.now(),
            title=cards.name_of(found.drawing),
            chip=_chip(found.analysis),
            facts=_facts(found.drawing) if wanted.options.include_metadata else [],
            results=_results(known, wanted, plain),
            sentences=self._sentences(found, wanted, plain),
            picture=shrunk(found.image, wanted.options.side),
            overlay=self._overlay(found, wanted),
            caption=maps.caption(found) if wanted.options.include_saliency else "",
            regions=self._regions(found, wanted),
            tables=[] if wanted.simplified else _tables(found, wanted),
            comparisons=self._comparisons(found) if wanted.comparisons else [],
            annotations=self._annotations(found) if wanted.annotations else [],
            limits=LIMITS,
        )

    def _sentences(
        self, found: StoredExplanation, wanted: Wanted, plain: SimplifiedExplanationResponse
    ) -> list[str]:
        if wanted.simplified:
            said = [plain.summary, *plain.key_findings, plain.age_appropriate_context]
            # The summary may say what a finding says as well.
            return [*dict.fromkeys(said), *plain.recommendations]
        reader = READERS.get(plain.user_role, Reader.EDUCATOR)
        return found.text(reader, self.bench.settings)

    def _overlay(self, found: StoredExplanation, wanted: Wanted) -> Pixels | None:
        if not wanted.options.include_saliency or not found.regions:
            return None
        stored = json.loads(self.bench.storage.get(found.row.saliency_map_path))
        made = SaliencyMap.from_dict(stored)
        drawn = SaliencyOverlayGenerator().create_heatmap_overlay(found.image, made)
        return shrunk(drawn.picture, wanted.options.side)

    def _regions(self, found: StoredExplanation, wanted: Wanted) -> list[Any]:
        if not wanted.options.include_saliency:
            return []
        return [region_of(one) for one in found.row.facts["regions"]]

    def _annotations(self, found: StoredExplanation) -> list[dict[str, Any]]:
        service = AnnotationService(self.bench.database, self.bench.owner_id, "")
        rows = service.listed(found.analysis.id)
        return [notes.told(row, found.regions) for row in rows]

    def _comparisons(self, found: StoredExplanation) -> list[Comparison]:
        likeness = {one.drawing_id: one.similarity_score for one in found.neighbours}
        with self.bench.database.read() as session:
            drawings = self._drawings(session, list(likeness))
        pictures = ((one, self._thumbnail(drawings.get(one))) for one in likeness)
        return [
            Comparison(cards.name_of(drawings[one]), likeness[one], picture)
            for one, picture in pictures
            if picture is not None
        ]

    def _drawings(self, session: Session, ids: Sequence[int]) -> dict[int, Drawing]:
        return {one.id: one for one in analyses.drawings(session, self.bench.owner_id, ids)}

    def _thumbnail(self, drawing: Drawing | None) -> Pixels | None:
        """None where somebody has just deleted it."""
        try:
            if drawing is None:
                return None
            return shrunk(self.bench.encoding.picture(drawing.file_path), THUMBNAIL)
        except NotFoundError:
            return None


def _chip(row: AnomalyAnalysis) -> str:
    return chip(row.decision, is_anomaly=row.is_anomaly, normalized_score=row.normalized_score)


def _facts(drawing: Drawing) -> list[Line]:
    found: list[Line] = [
        ("File", drawing.filename),
        ("Age in years", drawing.age_years),
        ("Subject", drawing.subject),
        ("Drawn with", drawing.drawing_tool),
        ("Label", drawing.expert_label),
        ("Size in pixels", f"{drawing.width} by {drawing.height}"),
        ("Uploaded", f"{drawing.upload_timestamp:%d %B %Y}"),
    ]
    return [(name, value) for name, value in found if value is not None]


def _results(known: Known, wanted: Wanted, plain: SimplifiedExplanationResponse) -> list[Line]:
    row = known.analysis
    found: list[Line] = [("Answer", _chip(row))]
    if row.normalized_score is not None:
        found.append(("More unusual than", f"{place_of_100(row.normalized_score)} drawings"))
    if wanted.options.include_confidence:
        found.append(("How settled the decision is", confidence_level(row.confidence)))
    if wanted.simplified:
        return found
    found += [
        ("Score", row.anomaly_score),
        ("p", row.p_value),
        ("Age group", row.results.get("age_group")),
        ("Role of the child", ROLE_WORDS.get(row.role or "", row.role)),
        ("Analysed", f"{row.analysis_timestamp:%d %B %Y, %H:%M} UTC"),
    ]
    if plain.natural_frequency:
        found.append(("How often that happens", plain.natural_frequency))
    return found


def _tables(found: StoredExplanation, wanted: Wanted) -> list[tuple[str, Table]]:
    numbers = cards.numbers(found.analysis, found.drawing, None)
    if not wanted.options.include_confidence:
        settled = "How sure the decision is"
        numbers = Table(numbers.columns, [row for row in numbers.rows if row[0] != settled])
    if not wanted.options.include_metadata:
        numbers = Table(numbers.columns, [row for row in numbers.rows if row[0] != "File"])
    tables = [("Numbers of this answer", numbers), ("Other ages", _other_ages(found))]
    if wanted.options.include_saliency:
        tables += [("Places on the page", maps.places(found)), *maps.trust_tables(found)]
    tables.append(("Measures of the drawing", cards.measures(found)))
    return [(name, table) for name, table in tables if table.rows]


def _other_ages(found: StoredExplanation) -> Table:
    return cards.other_ages(found.analysis, {})
