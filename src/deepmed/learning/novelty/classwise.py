"""How far a row lies from every class that a model was taught."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from deepmed.learning.detectors import make_detector
from deepmed.learning.detectors.base import MINIMUM_ROWS, Detector
from deepmed.learning.detectors.mahalanobis import MahalanobisDetector
from deepmed.learning.errors import InsufficientDataError, ModelLoadingError

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class ClassDistance:
    """Squared Mahalanobis distance to the nearest class, each with its own shrunk covariance.

    Source: Lee et al., A simple unified framework for detecting out-of-distribution samples,
    NeurIPS 2018; each class has its own covariance here, as there is no common one to trust.

    Attributes:
        detectors: one a class that has rows enough.

    Example:
        >>> rows = np.random.default_rng(0).normal(size=(40, 3))
        >>> distance = ClassDistance.fit(rows, [0, 1] * 20)
        >>> near, far = distance.scores([[0.0, 0.0, 0.0], [9.0, 9.0, 9.0]])
        >>> bool(far > 10 * near)
        True
    """

    detectors: tuple[Detector, ...]

    @classmethod
    def fit(cls, rows: ArrayLike, labels: ArrayLike) -> Self:
        """Learn what is typical of each class.

        Args:
            rows: (n, D), of training.
            labels: (n,) class numbers.

        Raises:
            InsufficientDataError: no class has two rows.
        """
        matrix, truth = np.asarray(rows, dtype=np.float64), np.asarray(labels)
        if len(matrix) != len(truth):
            raise InsufficientDataError(f"{len(matrix)} rows were given with {len(truth)} labels.")
        parts = [matrix[truth == label] for label in np.unique(truth)]
        detectors = [
            make_detector("mahalanobis").fit(part) for part in parts if len(part) >= MINIMUM_ROWS
        ]
        if not detectors:
            raise InsufficientDataError("No class has two images, so nothing is typical of one.")
        return cls(tuple(detectors))

    def scores(self, rows: ArrayLike) -> FloatArray:
        """(n,) distance of each row to the nearest class, higher is more unusual."""
        found: FloatArray = np.min([one.score_samples(rows) for one in self.detectors], axis=0)
        return found

    def get_state(self) -> tuple[dict[str, NDArray[Any]], list[dict[str, Any]]]:
        """Everything learned, as arrays by name and values for JSON.

        Example:
            >>> distance = ClassDistance.fit(np.eye(4), [0, 0, 1, 1])
            >>> ClassDistance.from_state(*distance.get_state()).scores(np.eye(4)).shape
            (4,)
        """
        states = [one.get_state() for one in self.detectors]
        arrays = {
            f"{number}.{name}": array
            for number, (own, _) in enumerate(states)
            for name, array in own.items()
        }
        return arrays, [record for _, record in states]

    @classmethod
    def from_state(cls, arrays: Mapping[str, NDArray[Any]], records: list[dict[str, Any]]) -> Self:
        """What `get_state` made this of; nothing in it is trusted.

        Raises:
            ModelLoadingError: it is damaged.
        """
        if not records:
            raise ModelLoadingError("The stored distances of this model name no class.")
        return cls(
            tuple(
                MahalanobisDetector.from_state(parts_of(arrays, f"{number}."), record)
                for number, record in enumerate(records)
            )
        )


def parts_of(arrays: Mapping[str, NDArray[Any]], prefix: str) -> dict[str, NDArray[Any]]:
    """Arrays whose name begins so, without that beginning.

    Example:
        >>> parts_of({"a.b": np.zeros(1), "c": np.zeros(1)}, "a.")
        {'b': array([0.])}
    """
    return {
        name.removeprefix(prefix): array
        for name, array in arrays.items()
        if name.startswith(prefix)
    }
