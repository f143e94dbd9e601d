"""What an exported score is asked with."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from deepmed.learning.reference import Layout, Rows

EMBEDDING, AGE, SUBJECT = "embedding", "age", "subject"


@dataclass(frozen=True)
class ScoreInputs:
    """Drawings as an exported score takes them, by the names of its inputs.

    Attributes:
        layout: Which columns the model sees beside the encoder's vector.
        vectors: The encoder's vectors, shape (n, D), float32.
        ages: Ages in years, shape (n,), float64.
        subjects: Subject slots from 0 to 63, shape (n,), int64.

    Example:
        >>> vectors = np.zeros((1, 3), np.float32)
        >>> sorted(ScoreInputs(Layout.AGE, vectors, np.ones(1), np.zeros(1, np.int64)).named())
        ['age', 'embedding']
    """

    layout: Layout
    vectors: NDArray[np.float32]
    ages: NDArray[np.float64]
    subjects: NDArray[np.int64]

    @classmethod
    def of(cls, rows: Rows, layout: Layout) -> Self:
        """The same drawings as an exported score of this layout takes them."""
        return cls(layout, rows.vectors, rows.ages, rows.subjects)

    def named(self) -> dict[str, NDArray[Any]]:
        """The arrays that a score of this layout takes, by its inputs' names."""
        arrays: dict[str, NDArray[Any]] = {EMBEDDING: self.vectors}
        if self.layout is Layout.AGE:
            arrays[AGE] = self.ages
        elif self.layout is Layout.SUBJECT:
            arrays[SUBJECT] = self.subjects
        return arrays
