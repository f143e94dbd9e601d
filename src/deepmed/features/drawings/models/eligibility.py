"""Which drawings may fit and calibrate, and why the others may not (D-8)."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from sqlalchemy.orm import Session

from deepmed.features.drawings.embeddings.storage import EmbeddingStorage
from deepmed.features.drawings.models import repository
from deepmed.features.drawings.models.kinds import UNSPECIFIED_SLOT
from deepmed.features.drawings.models.ranges import AgeRange
from deepmed.features.drawings.subjects import subject_index
from deepmed.kit.database import AnyRow
from deepmed.learning.reference import Rows

TYPICAL_LABELS = {None, "normal"}

REASONS = {
    "concern": "labelled concern: kept for evaluation",
    "severe": "labelled severe: kept for evaluation",
    "blank": "nearly blank page",
    "duplicate": "duplicate of another drawing",
    "withdrawn": "withdrawn",
    "no_subject": "no subject: a subject-aware model ranks drawings whose subject is given",
    "not_embedded": "no embedding of this encoder: run `deepmed drawings embed`",
}


@dataclass(frozen=True)
class Eligible:
    """The drawings that may train, and the ones left out by reason."""

    rows: Rows
    files: dict[int, str]
    vector_hashes: dict[int, str]
    datasets: list[int]
    left_out: list[dict[str, Any]]
    labelled: dict[int, str]
    """Labelled concern or severe, for evaluation: drawing id to label."""

    def of(self, ages: AgeRange) -> Rows:
        return within(self.rows, ages)

    def with_subject(self) -> "Eligible":
        """Without drawings whose subject nobody named, which are left out."""
        given = self.rows.subjects != UNSPECIFIED_SLOT
        unnamed = self.rows.take(~given)
        left_out = [
            {"drawing_id": drawing, "age_years": age, "reason": "no_subject"}
            for drawing, age in zip(unnamed.drawings.tolist(), unnamed.ages.tolist(), strict=True)
        ]
        return replace(self, rows=self.rows.take(given), left_out=[*self.left_out, *left_out])

    def left_out_of(self, ages: AgeRange) -> list[dict[str, Any]]:
        """How many drawings of a range were left out, by reason, with their ids."""
        mine = [item for item in self.left_out if ages.holds(item["age_years"])]
        counts = Counter(item["reason"] for item in mine)
        return [
            {
                "reason": reason,
                "meaning": REASONS[reason],
                "count": count,
                "drawing_ids": [item["drawing_id"] for item in mine if item["reason"] == reason],
            }
            for reason, count in sorted(counts.items())
        ]


def within(rows: Rows, ages: AgeRange) -> Rows:
    """The rows whose ages a range holds."""
    return rows.take(np.array([ages.holds(age) for age in rows.ages], dtype=bool))


def find(session: Session, store: EmbeddingStorage, encoder: str) -> Eligible:
    """Sort every drawing of the owner into those that may train and those that may not."""
    found = repository.candidates(session, store.owner_id, encoder)
    reasons = {row.id: _reason(row) for row in found}
    eligible = [row for row in found if reasons[row.id] is None]
    return Eligible(
        rows=_rows(session, store, encoder, eligible),
        files={row.id: row.file_path for row in found},
        vector_hashes={row.id: row.vector_hash for row in eligible},
        datasets=sorted({row.dataset_id for row in eligible if row.dataset_id is not None}),
        left_out=[
            {"drawing_id": row.id, "age_years": row.age_years, "reason": reasons[row.id]}
            for row in found
            if reasons[row.id] is not None
        ],
        labelled={
            row.id: row.expert_label for row in found if row.expert_label not in TYPICAL_LABELS
        },
    )


def _reason(row: AnyRow) -> str | None:
    if row.expert_label not in TYPICAL_LABELS:
        return str(row.expert_label)
    excluded = {
        "blank": row.is_blank,
        "duplicate": row.duplicate_of is not None,
        "withdrawn": row.withdrawn,
        "not_embedded": row.vector_hash is None,
    }
    return next((reason for reason, holds in excluded.items() if holds), None)


def _rows(session: Session, store: EmbeddingStorage, encoder: str, found: Sequence[AnyRow]) -> Rows:
    ids = [row.id for row in found]
    vectors, _ = store.retrieve_matrix(session, ids, encoder)
    return Rows(
        np.array(ids, dtype=np.int64),
        np.array([row.child_id for row in found], dtype=np.int64),
        np.array([row.age_years for row in found], dtype=np.float64),
        np.array([subject_index(row.subject) for row in found], dtype=np.int64),
        vectors,
    )
