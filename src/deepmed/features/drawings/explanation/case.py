"""One drawing before the model that scored it: what its map, text and report need."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from deepmed.features.drawings.analysis.outcome import ActiveModel
from deepmed.features.drawings.analysis.service import AnalysisService
from deepmed.features.drawings.explanation import repository
from deepmed.features.drawings.explanation.standing import refuse_without_score, standing_in
from deepmed.features.drawings.subjects import subject_index
from deepmed.features.drawings.tables import AnomalyAnalysis, Drawing
from deepmed.features.drawings.workbench import Workbench
from deepmed.learning.encoders import Prepared
from deepmed.learning.reference import Reference, compose, without
from deepmed.learning.saliency.fills import Ranking, nearest_typical, ranking_of
from deepmed.learning.saliency.score import ScoreFunction

TYPICAL_LOOKED_AT = 500
"""Fitting drawings among which the nearest typical one is looked for, at most."""


@dataclass(frozen=True)
class Case:
    """A scored drawing with the reference that scored it."""

    drawing: Drawing
    analysis: AnomalyAnalysis
    item: ActiveModel
    reference: Reference
    whose: frozenset[int]
    """Its child, and those under whose name the very same picture is there too."""
    image: NDArray[np.uint8]
    vector: NDArray[np.float32]
    typical_ids: list[int]
    typical_vectors: NDArray[np.float32]

    @property
    def twin(self) -> bool:
        return self.reference is self.item.model.twin

    @property
    def columns(self) -> NDArray[np.float64]:
        """(1, d): the row that the detector sees."""
        return self._columns(self.vector[None, :])

    @property
    def further_columns(self) -> list[float]:
        """The columns beside the vector."""
        further: list[float] = self.columns[0, len(self.vector) :].tolist()
        return further

    @property
    def ranking(self) -> Ranking:
        return ranking_of(without(self.reference.calibration, self.whose))

    def nearest(self) -> int | None:
        """The fitting drawing most like this one, by the columns that the detector sees."""
        if not self.typical_ids:
            return None
        typical = self._columns(self.typical_vectors)
        return self.typical_ids[nearest_typical(self.columns[0], typical)]

    def _columns(self, vectors: NDArray[np.float32]) -> NDArray[np.float64]:
        ages = np.full(len(vectors), self.drawing.age_years)
        subjects = np.full(len(vectors), subject_index(self.drawing.subject), dtype=np.int64)
        return compose(vectors, ages, subjects, self.item.model.layout)


class CaseLoader:
    """Loads cases of one owner; models and rules are read once."""

    def __init__(self, bench: Workbench, analyses: AnalysisService | None = None) -> None:
        self.bench = bench
        self.analyses = analyses or AnalysisService(bench)

    def load(self, drawing_id: int) -> Case:
        """The drawing with its newest analysis, made now where there is none.

        Raises:
            NotFoundError: no such drawing.
            ConflictError: the drawing has no score, so there is nothing to explain.
        """
        return self.of(self.analyses.analyze([drawing_id]).analyses[0])

    def of(self, row: AnomalyAnalysis) -> Case:
        """The case of an analysis under the models and rules in force.

        Raises:
            ConflictError: it has no score, or the model that gave it is not in use any more.
        """
        refuse_without_score(row)
        with self.bench.database.read() as session:
            return self._case(session, row)

    def score_function(self, case: Case) -> ScoreFunction:
        return ScoreFunction(
            self.bench.encoding.encoder, case.reference.detector, case.further_columns
        )

    def prepared(self, image: NDArray[np.uint8]) -> Prepared:
        return self.bench.encoding.encoder.prepare([image])

    def typical(self, case: Case) -> Prepared | None:
        """The nearest fitting drawing, prepared; None where the model remembers none."""
        nearest = case.nearest()
        if nearest is None:
            return None
        with self.bench.database.read() as session:
            file = repository.file_of(session, nearest)
        return self.prepared(self.bench.encoding.picture(file))

    def _case(self, session: Session, row: AnomalyAnalysis) -> Case:
        found = standing_in(session, self.analyses, row)
        drawing, item, reference = found.drawing, found.item, found.reference
        fitted = repository.fitted_drawings(session, item.row.id, twin=reference is item.model.twin)
        vectors, typical = self.bench.embeddings.retrieve_matrix(
            session, evenly(fitted, TYPICAL_LOOKED_AT), found.encoder
        )
        return Case(
            drawing,
            row,
            item,
            reference,
            found.whose,
            self.bench.encoding.picture(drawing.file_path),
            self.bench.embeddings.retrieve_embedding(session, drawing.id, found.encoder),
            typical.tolist(),
            vectors,
        )


def evenly(ids: Sequence[int], most: int) -> list[int]:
    """At most so many of the ids, spread over all of them.

    The first ones would not do: drawings come in one subject or one school after the other.
    """
    step = max(1, math.ceil(len(ids) / most))
    return list(ids[::step])
