"""How quickly random cuts set a drawing apart from the typical ones."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
from sklearn.ensemble import IsolationForest
from torch import Tensor

from deepmed.kit import seeds
from deepmed.learning.detectors.base import Detector, require
from deepmed.learning.detectors.forest import Forest
from deepmed.learning.detectors.record import ArraySpec
from deepmed.learning.detectors.standardization import FloatArray
from deepmed.learning.errors import NotDifferentiableError


class IsolationForestDetector(Detector):
    """Isolation forest (Liu, Ting, Zhou 2008), grown by scikit-learn and read as plain arrays.

    The trees are stored and scored as arrays of numbers, so that loading one runs no foreign code
    and needs no list of trusted classes. It alone does not standardise: a cut between two values
    is the same in every unit, and scaling would only add rounding.

    Args:
        trees: Number of trees.
        samples: Most rows that each tree is grown on.
        seed: Seed of the random cuts.

    Example:
        >>> from numpy.random import default_rng
        >>> rows = default_rng(0).normal(size=(60, 2))
        >>> detector = IsolationForestDetector(trees=20).fit(rows)
        >>> typical, unusual = detector.score_samples([[0.0, 0.0], [6.0, 6.0]])
        >>> bool(unusual > typical)
        True
    """

    name: ClassVar[str] = "isolation_forest"
    differentiable: ClassVar[bool] = False

    forest_: Forest

    def __init__(self, trees: int = 100, samples: int = 256, seed: int = 0) -> None:
        self.trees = trees
        self.samples = samples
        self.seed = seed

    def _check_parameters(self) -> None:
        require(self.trees >= 1, f"trees must be at least 1, got {self.trees}.")
        require(self.samples >= 2, f"samples must be at least 2, got {self.samples}.")

    def _fit_rows(
        self, rows: FloatArray, children: Sequence[Any] | npt.NDArray[Any] | None
    ) -> None:
        del children
        model = IsolationForest(
            n_estimators=self.trees,
            max_samples=min(self.samples, len(rows)),
            random_state=seeds.derive(self.seed, "isolation-forest") % 2**32,
        )
        self.forest_ = Forest.of(model.fit(rows))

    def _score_rows(self, rows: FloatArray) -> FloatArray:
        return self.forest_.score(rows)

    def _shift_rows(self, rows: FloatArray, radius: FloatArray, width: int | None) -> FloatArray:
        reach = np.zeros_like(rows)
        reach[:, :width] = radius[:, None]
        lowest, highest = self.forest_.score_range(rows, reach)
        scores = self._score_rows(rows)
        return np.maximum(highest - scores, scores - lowest)

    def _score_tensor_rows(self, rows: Tensor) -> Tensor:
        del rows
        raise NotDifferentiableError(f"The score of {self.name!r} has no gradient.")

    def _array_specs(self) -> dict[str, ArraySpec]:
        return {
            "feature": ArraySpec("int32", ("nodes",)),
            "threshold": ArraySpec("float64", ("nodes",)),
            "left": ArraySpec("int32", ("nodes",)),
            "right": ArraySpec("int32", ("nodes",)),
            "path_length": ArraySpec("float64", ("nodes",)),
            "roots": ArraySpec("int32", (self.trees,)),
            "expected_length": ArraySpec("float64", (1,), positive=True),
        }

    def _arrays(self) -> dict[str, npt.NDArray[Any]]:
        return self.forest_.arrays()

    def _take_arrays(self, arrays: Mapping[str, npt.NDArray[Any]]) -> None:
        self.forest_ = Forest(**arrays)
        self.forest_.check(self.n_features_in_)

    def _architecture(self) -> dict[str, Any]:
        return {"kind": "isolation trees", "nodes": len(self.forest_.feature)}
