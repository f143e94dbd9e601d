"""The typical drawings of the age that are most like a drawing (D-19)."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from sqlalchemy.orm import Session

from deepmed.features.drawings.analysis import repository
from deepmed.features.drawings.analysis.service import AnalysisService
from deepmed.features.drawings.embeddings.search import SimilarityIndex
from deepmed.features.drawings.models.eligibility import Eligible, find
from deepmed.features.drawings.models.ranges import AgeRange
from deepmed.features.drawings.workbench import Workbench
from deepmed.kit.errors import NotFoundError


@dataclass(frozen=True)
class SimilarDrawing:
    """A typical drawing and how like it is: cosine similarity of embeddings, -1 to 1."""

    drawing_id: int
    filename: str
    age_years: float
    subject: str | None
    similarity_score: float
    anomaly_score: float | None
    normalized_score: float | None

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


class ComparisonService:
    """Finds neighbours among the typical drawings of the same age group, by other children."""

    def __init__(self, bench: Workbench, analyses: AnalysisService) -> None:
        self.bench = bench
        self.analyses = analyses

    def find_similar_normal_examples(
        self, session: Session, drawing_id: int, count: int = 3
    ) -> list[SimilarDrawing]:
        """The nearest typical drawings, most alike first; none where no model covers the age.

        Typical are drawings labelled normal or unlabelled that were not flagged when analysed.

        Raises:
            NotFoundError: no such drawing, or it has no embedding.
        """
        found = repository.drawings(session, self.bench.owner_id, [drawing_id])
        if not found:
            raise NotFoundError(f"There is no drawing {drawing_id}.")
        scene = self.analyses.scene(session)
        item = scene.model_for(found[0].age_years)
        if item is None:
            return []
        vector = self.bench.embeddings.retrieve_embedding(session, drawing_id, scene.encoder)
        eligible = find(session, self.bench.embeddings, scene.encoder)
        rows = eligible.of(item.ages).without_children({found[0].child_id})
        rows = rows.take(~np.isin(rows.drawings, repository.flagged(session, self.bench.owner_id)))
        nearest = SimilarityIndex(rows.vectors, rows.drawings).nearest(vector, count)
        found_ids = [neighbour for neighbour, _ in nearest]
        newest = repository.newest(session, self.bench.owner_id, found_ids)
        drawings = {
            drawing.id: drawing
            for drawing in repository.drawings(session, self.bench.owner_id, found_ids)
        }
        return [
            SimilarDrawing(
                neighbour,
                drawings[neighbour].filename,
                drawings[neighbour].age_years,
                drawings[neighbour].subject,
                similarity,
                newest[neighbour].anomaly_score if neighbour in newest else None,
                newest[neighbour].normalized_score if neighbour in newest else None,
            )
            for neighbour, similarity in nearest
        ]

    def get_comparison_statistics(self, session: Session, ages: AgeRange) -> dict[str, Any]:
        """How many typical drawings of a group there are to compare with, and by how many."""
        encoder = self.bench.encoding.identity.key
        eligible: Eligible = find(session, self.bench.embeddings, encoder)
        rows = eligible.of(ages)
        return {
            "age_group": ages.label,
            "typical_drawings": len(rows),
            "typical_children": len(set(rows.children.tolist())),
            "mean_age": float(rows.ages.mean()) if len(rows) else None,
            "subjects": len(set(rows.subjects.tolist()) - {0}),
        }
