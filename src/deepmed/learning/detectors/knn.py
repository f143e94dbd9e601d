"""Distance to the nearest typical drawings."""

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from deepmed.learning.detectors.base import RowScorer, StandardizedDetector, require
from deepmed.learning.detectors.record import ArraySpec
from deepmed.learning.detectors.standardization import FloatArray


class KnnDetector(StandardizedDetector):
    """Mean Euclidean distance to the nearest fitting rows, after standardisation.

    Method: Ramaswamy, Rastogi, Shim (2000), with the mean over the neighbours instead of the
    farthest one (Angiulli, Pizzuti 2002). A fitting row finds itself at distance zero.

    Args:
        neighbors: Neighbours k; with fewer fitting rows all of them count.
        seed: Unused, this detector draws nothing; every detector takes one.

    Example:
        >>> rows = np.array([[0.0, 0.0], [1.0, 1.0], [0.0, 1.0], [1.0, 0.0]])
        >>> detector = KnnDetector(neighbors=1).fit(rows)
        >>> detector.score_samples([[0.0, 0.0], [0.0, 3.0]]).round(1).tolist()
        [0.0, 2.4]
    """

    name: ClassVar[str] = "knn"

    references_: FloatArray

    def __init__(self, neighbors: int = 5, seed: int = 0) -> None:
        self.neighbors = neighbors
        self.seed = seed

    def _check_parameters(self) -> None:
        require(self.neighbors >= 1, f"neighbors must be at least 1, got {self.neighbors}.")

    def _fit_standardized(
        self, rows: FloatArray, children: Sequence[Any] | npt.NDArray[Any] | None
    ) -> None:
        del children
        self.references_ = rows

    def _row_scorer(self) -> RowScorer:
        references, count = self.references_, self._count()

        def score(row: FloatArray) -> float:
            # Differences, not the product form a*a - 2*a*b + b*b, which loses the small distances.
            squares = np.square(references - row).sum(axis=1)
            nearest = np.sort(np.partition(squares, count - 1)[:count])
            return float(np.sqrt(nearest).mean())

        return score

    def _score_standardized_tensor(self, rows: Tensor) -> Tensor:
        references = torch.from_numpy(self.references_).to(rows.device)
        # Only the nearest have a gradient: the distances to all others need none.
        with torch.no_grad():
            distances = torch.cdist(rows, references, compute_mode="donot_use_mm_for_euclid_dist")
            nearest = distances.topk(self._count(), dim=1, largest=False).indices
        away: Tensor = torch.linalg.vector_norm(rows[:, None] - references[nearest], dim=2)
        return away.mean(dim=1)

    def _learned_specs(self) -> dict[str, ArraySpec]:
        return {"references": ArraySpec("float64", ("rows", "features"))}

    def _architecture(self) -> dict[str, Any]:
        return {"kind": "nearest neighbours", "neighbors": self._count()}

    def _count(self) -> int:
        return min(self.neighbors, self.n_rows_)
