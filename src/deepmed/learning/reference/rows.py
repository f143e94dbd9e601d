"""Drawings as rows of numbers: who drew each, at what age, and its vector."""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

SUBJECT_SLOTS = 64

Floats = NDArray[np.float64]
Vectors = NDArray[np.float32]
Ids = NDArray[np.int64]


class Layout(StrEnum):
    """Which columns a model sees beside the encoder's vector."""

    VISUAL = "visual"
    """768 columns with the default encoder."""
    AGE = "visual+age"
    """One more column, the age in years (769)."""
    SUBJECT = "visual+subject"
    """64 more columns, one for each subject slot (832); slot 0 is a subject nobody named."""

    @property
    def slots(self) -> int:
        """How many columns, the last ones, are slots of the subject; detectors scale them so."""
        return SUBJECT_SLOTS if self is Layout.SUBJECT else 0


@dataclass(frozen=True)
class Rows:
    """Drawings in the order of their rows.

    Attributes:
        drawings: (n,) ids of the drawings.
        children: (n,) ids of the children who drew them.
        ages: (n,) ages in years.
        subjects: (n,) subject slots, 0 to 63.
        vectors: (n, d) embeddings of one encoder.
    """

    drawings: Ids
    children: Ids
    ages: Floats
    subjects: Ids
    vectors: Vectors

    def __len__(self) -> int:
        return len(self.drawings)

    def take(self, which: NDArray[np.bool_] | Ids) -> "Rows":
        """The rows that a mask or an index names."""
        return Rows(
            self.drawings[which],
            self.children[which],
            self.ages[which],
            self.subjects[which],
            self.vectors[which],
        )

    def of_children(self, children: Sequence[int] | NDArray[np.int64] | AbstractSet[int]) -> "Rows":
        """The rows of these children."""
        return self.take(np.isin(self.children, np.fromiter(children, dtype=np.int64)))

    def without_children(self, children: Sequence[int] | AbstractSet[int]) -> "Rows":
        """The rows of all other children."""
        return self.take(~np.isin(self.children, np.fromiter(children, dtype=np.int64)))

    def with_vectors(self, vectors: Vectors) -> "Rows":
        """The same drawings with other vectors."""
        return Rows(self.drawings, self.children, self.ages, self.subjects, vectors)

    def at_age(self, age: float) -> "Rows":
        """The same drawings as if every child had been of one age."""
        ages = np.full(len(self), age)
        return Rows(self.drawings, self.children, ages, self.subjects, self.vectors)

    def columns(self, layout: Layout) -> Floats:
        """The (n, d) float64 input of a model of this layout."""
        return compose(self.vectors, self.ages, self.subjects, layout)


def join(parts: Sequence[Rows]) -> Rows:
    """All rows of the parts, one part after the other."""
    return Rows(
        np.concatenate([part.drawings for part in parts]),
        np.concatenate([part.children for part in parts]),
        np.concatenate([part.ages for part in parts]),
        np.concatenate([part.subjects for part in parts]),
        np.concatenate([part.vectors for part in parts]),
    )


def compose(vectors: Vectors, ages: Floats, subjects: Ids, layout: Layout) -> Floats:
    """Put the columns beside the vectors that a layout asks for.

    Args:
        vectors: (n, d) float32 embeddings.
        ages: (n,) years.
        subjects: (n,) slots from 0 to 63.
        layout: which columns to add.

    Returns:
        (n, d), (n, d + 1) or (n, d + 64) float64.

    >>> compose(np.zeros((2, 3), np.float32), np.array([5., 6.]), np.array([0, 1]), Layout.AGE)
    array([[0., 0., 0., 5.],
           [0., 0., 0., 6.]])
    """
    wide = vectors.astype(np.float64)
    if layout is Layout.AGE:
        return np.column_stack([wide, ages])
    if layout is Layout.SUBJECT:
        return np.column_stack([wide, np.eye(SUBJECT_SLOTS)[subjects]])
    return wide
