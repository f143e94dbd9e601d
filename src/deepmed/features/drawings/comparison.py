"""The typical drawings of the age that are most like a drawing (D-19)."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import partial
from itertools import islice
from typing import Any

from sqlalchemy.orm import Session

from deepmed.features.drawings.analysis import neighbours
from deepmed.features.drawings.analysis.service import AnalysisService
from deepmed.features.drawings.embeddings.matrix import Ids
from deepmed.features.drawings.models import repository as models
from deepmed.features.drawings.models.kinds import UNSPECIFIED_SLOT, row_for
from deepmed.features.drawings.models.ranges import AgeRange, range_of
from deepmed.features.drawings.subjects import subject_index
from deepmed.features.drawings.workbench import Workbench
from deepmed.kit.database import AnyRow
from deepmed.kit.database.batches import in_batches
from deepmed.kit.errors import NotFoundError

FIRST_ASKED = (96, 1000)
"""Nearest vectors that are looked at, and where too few of them are typical of the age and by
others, so many. Where even these are too few, all typical ones are counted and searched."""
LOOKED_AT = 48
"""So many of them first: mostly there are enough among these, and reading rows takes longest."""
EXAMPLES = 3
"""Shown unless another number is asked for."""


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
        self, session: Session, drawing_id: int, count: int = EXAMPLES
    ) -> list[SimilarDrawing]:
        """The nearest typical drawings, most alike first; none where no model covers the age.

        Typical are drawings labelled normal or unlabelled that were not flagged when analysed.

        Raises:
            NotFoundError: no such drawing, or it has no embedding.
        """
        drawing = neighbours.of_whom(session, self.bench.owner_id, drawing_id)
        if drawing is None:
            raise NotFoundError(f"There is no drawing {drawing_id}.")
        ages = self._ages(session, drawing.age_years, drawing.subject)
        if ages is None:
            return []
        encoder = self.bench.encoding.identity.key
        vector = self.bench.embeddings.retrieve_embedding(session, drawing_id, encoder)
        search = partial(self.bench.embeddings.nearest, session, vector, encoder)
        typical = _Typical(session, drawing, ages, count)
        for more in FIRST_ASKED:
            near = search(more + count)
            typical.look_among([number for number, _ in near])
            if typical.enough:
                return typical.of(near)
        near = search(count, typical.everybody())
        typical.look_among([number for number, _ in near])
        return typical.of(near)

    def _ages(self, session: Session, age: float, subject: str | None) -> AgeRange | None:
        row = row_for(self.analyses.models.active(session), age, subject)
        return None if row is None else range_of(row)

    def get_comparison_statistics(self, session: Session, ages: AgeRange) -> dict[str, Any]:
        """How many typical drawings of a group there are to compare with, and by how many."""
        encoder = self.bench.encoding.identity.key
        owner = self.bench.owner_id
        found = models.comparable(session, owner, encoder, ages)
        subjects = models.comparable_subjects(session, owner, encoder, ages)
        return {
            "age_group": ages.label,
            "typical_drawings": found.drawings,
            "typical_children": found.children,
            "mean_age": found.mean,
            "subjects": len({subject_index(each) for each in subjects} - {UNSPECIFIED_SLOT}),
        }


class _Typical:
    """Which of the nearest are typical of these ages and by other children; each is asked once."""

    def __init__(self, session: Session, drawing: AnyRow, ages: AgeRange, count: int) -> None:
        self._session = session
        self._drawing = drawing
        self._ages = ages
        self._count = count
        self._rows: dict[int, AnyRow] = {}
        self._asked: set[int] = set()

    @property
    def enough(self) -> bool:
        return len(self._rows) >= self._count

    def look_among(self, near: Sequence[int]) -> None:
        """Look at the nearest in order until there are enough."""
        waiting = [number for number in near if number not in self._asked]
        for some in (waiting[:LOOKED_AT], *in_batches(waiting[LOOKED_AT:])):
            if self.enough:
                return
            self._asked.update(some)
            self._rows |= neighbours.typical_among(
                self._session, self._drawing.owner_id, some, self._ages, self._drawing.child_id
            )

    def everybody(self) -> Ids:
        """All that are typical of these ages and by other children."""
        drawings, children = neighbours.everybody_typical(
            self._session, self._drawing.owner_id, self._ages
        )
        others: Ids = drawings[children != self._drawing.child_id]
        return others

    def of(self, near: Sequence[tuple[int, float]]) -> list[SimilarDrawing]:
        """The first of the nearest that are typical."""
        found = (
            (self._rows[number], likeness) for number, likeness in near if number in self._rows
        )
        return [
            SimilarDrawing(
                row.id,
                row.filename,
                row.age_years,
                row.subject,
                likeness,
                row.anomaly_score,
                row.normalized_score,
            )
            for row, likeness in islice(found, self._count)
        ]
