"""Distance from the mean, measured by how typical drawings vary together."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from deepmed.learning.detectors.base import RowScorer, StandardizedDetector, require
from deepmed.learning.detectors.directions import (
    check_directions,
    ledoit_wolf_shrinkage,
    principal_directions,
)
from deepmed.learning.detectors.record import ArraySpec
from deepmed.learning.detectors.standardization import FloatArray


class MahalanobisDetector(StandardizedDetector):
    """Squared Mahalanobis distance to the mean under a Ledoit and Wolf covariance.

    With fewer rows than dimensions the shrunk covariance is one variance a principal direction
    and one common variance for all the rest; the inverse is applied in that form, so no
    (D, D) matrix exists.

    Args:
        minimum_shrinkage: Smallest share of the identity. The estimate can come out as zero (two
            rows, for instance), which would make every direction without data infinitely far.
        seed: Unused, this detector draws nothing; every detector takes one.

    Attributes:
        center_: Mean of the standardised rows, shape (D,).
        directions_: Principal directions, shape (r, D).
        variances_: Shrunk variance along each, shape (r,).
        remaining_variance_: Variance in every other direction, shape (1,).

    Example:
        >>> rows = np.random.default_rng(0).normal(size=(50, 3))
        >>> detector = MahalanobisDetector().fit(rows)
        >>> bool(np.diff(detector.score_samples([rows.mean(axis=0), [9.0, 9.0, 9.0]]))[0] > 100)
        True
    """

    name: ClassVar[str] = "mahalanobis"

    center_: FloatArray
    directions_: FloatArray
    variances_: FloatArray
    remaining_variance_: FloatArray

    def __init__(self, minimum_shrinkage: float = 1e-3, seed: int = 0) -> None:
        self.minimum_shrinkage = minimum_shrinkage
        self.seed = seed

    def _check_parameters(self) -> None:
        require(
            0 < self.minimum_shrinkage <= 1,
            f"minimum_shrinkage must lie in (0, 1], got {self.minimum_shrinkage}.",
        )

    def _fit_standardized(
        self, rows: FloatArray, children: Sequence[Any] | npt.NDArray[Any] | None
    ) -> None:
        del children
        self.center_ = rows.mean(axis=0)
        variances, self.directions_ = principal_directions(rows - self.center_)
        shrinkage = max(self.minimum_shrinkage, ledoit_wolf_shrinkage(rows - self.center_))
        # Rows that are all the same say nothing of scale: every deviation counts as it is.
        typical = float(variances.sum()) / rows.shape[1] or 1.0
        self.variances_ = (1 - shrinkage) * variances + shrinkage * typical
        self.remaining_variance_ = np.array([shrinkage * typical])

    def _row_scorer(self) -> RowScorer:
        center, directions, variances = self.center_, self.directions_, self.variances_
        remaining = float(self.remaining_variance_[0])

        def score(row: FloatArray) -> float:
            deviation = row - center
            along = directions @ deviation
            rest = deviation - along @ directions
            return float(np.sum(along**2 / variances) + np.sum(rest**2) / remaining)

        return score

    def _score_standardized_tensor(self, rows: Tensor) -> Tensor:
        directions = torch.from_numpy(self.directions_).to(rows.device)
        variances = torch.from_numpy(self.variances_).to(rows.device)
        deviations = rows - torch.from_numpy(self.center_).to(rows.device)
        along = deviations @ directions.T
        rest = deviations - along @ directions
        remaining = float(self.remaining_variance_[0])
        return (along**2 / variances).sum(dim=1) + (rest**2).sum(dim=1) / remaining

    def _learned_specs(self) -> dict[str, ArraySpec]:
        return {
            "center": ArraySpec("float64", ("features",)),
            "directions": ArraySpec("float64", ("directions", "features")),
            "variances": ArraySpec("float64", ("directions",), positive=True),
            "remaining_variance": ArraySpec("float64", (1,), positive=True),
        }

    def _take_learned_arrays(self, arrays: Mapping[str, npt.NDArray[Any]]) -> None:
        super()._take_learned_arrays(arrays)
        check_directions(self.directions_)

    def _architecture(self) -> dict[str, Any]:
        return {"kind": "shrunk covariance", "directions": len(self.directions_)}
