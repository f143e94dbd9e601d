"""What of a drawing the main directions of typical drawings cannot explain."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from deepmed.learning.detectors.base import RowScorer, StandardizedDetector, require
from deepmed.learning.detectors.directions import check_directions, principal_directions
from deepmed.learning.detectors.record import ArraySpec
from deepmed.learning.detectors.standardization import FloatArray


class PcaDetector(StandardizedDetector):
    """Mean squared residual after projection on the leading principal directions.

    The linear counterpart of the autoencoder (Jackson, Mudholkar 1979: the Q statistic, here
    divided by the number of dimensions).

    Args:
        variance_share: Share of the variance that the kept directions explain. At least one
            direction is always left out, otherwise nothing could be unusual.
        seed: Unused, this detector draws nothing; every detector takes one.

    Attributes:
        center_: Mean of the standardised rows, shape (D,).
        directions_: Kept directions, shape (r, D).

    Example:
        >>> rows = np.array([[-1.0, -1.0], [0.0, 0.0], [1.0, 1.0]])
        >>> scores = PcaDetector().fit(rows).score_samples([[2.0, 2.0], [1.0, -1.0]])
        >>> scores.round(6).tolist()
        [0.0, 1.371429]
    """

    name: ClassVar[str] = "pca"

    center_: FloatArray
    directions_: FloatArray

    def __init__(self, variance_share: float = 0.9, seed: int = 0) -> None:
        self.variance_share = variance_share
        self.seed = seed

    def _check_parameters(self) -> None:
        require(
            0 < self.variance_share < 1,
            f"variance_share must lie in (0, 1), got {self.variance_share}.",
        )

    def _fit_standardized(
        self, rows: FloatArray, children: Sequence[Any] | npt.NDArray[Any] | None
    ) -> None:
        del children
        self.center_ = rows.mean(axis=0)
        variances, directions = principal_directions(rows - self.center_)
        explained = np.cumsum(variances) / max(float(variances.sum()), np.finfo(np.float64).tiny)
        needed = int(np.searchsorted(explained, self.variance_share)) + 1
        self.directions_ = directions[: min(needed, rows.shape[1] - 1)]

    def _row_scorer(self) -> RowScorer:
        center, directions = self.center_, self.directions_

        def score(row: FloatArray) -> float:
            deviation = row - center
            return float(np.mean((deviation - (directions @ deviation) @ directions) ** 2))

        return score

    def _score_standardized_tensor(self, rows: Tensor) -> Tensor:
        directions = torch.from_numpy(self.directions_).to(rows.device)
        deviations = rows - torch.from_numpy(self.center_).to(rows.device)
        return ((deviations - (deviations @ directions.T) @ directions) ** 2).mean(dim=1)

    def _learned_specs(self) -> dict[str, ArraySpec]:
        return {
            "center": ArraySpec("float64", ("features",)),
            "directions": ArraySpec("float64", ("directions", "features")),
        }

    def _take_learned_arrays(self, arrays: Mapping[str, npt.NDArray[Any]]) -> None:
        super()._take_learned_arrays(arrays)
        check_directions(self.directions_)

    def _architecture(self) -> dict[str, Any]:
        return {"kind": "principal components", "directions": len(self.directions_)}
