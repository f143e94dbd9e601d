"""Whether a map is about the model at all: it must change when the detector knows nothing (V-4).

Source: Adebayo et al., Sanity checks for saliency maps, NeurIPS 2018.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone

from deepmed.kit.seeds import generator
from deepmed.learning.detectors import Detector
from deepmed.learning.errors import InsufficientDataError
from deepmed.learning.evaluation import Interval, mean_interval, rank_correlation
from deepmed.learning.limits import LIKENESS
from deepmed.learning.saliency.maps import SaliencyMap
from deepmed.learning.saliency.score import FloatArray, ScoreFunction

LIMIT = LIKENESS
"""The check is passed where the rank correlation lies below this."""


@dataclass(frozen=True)
class RandomisationCheck:
    """How alike maps are before and after the detector was re-initialised.

    Attributes:
        correlations: one a drawing.
        mean: over children with interval; None below five children.
        passed: whether the upper bound, or the plain mean below five children, is under 0.5.

    Example:
        >>> RandomisationCheck((0.1, -0.1), None).passed
        True
    """

    correlations: tuple[float, ...]
    mean: Interval | None

    @property
    def passed(self) -> bool:
        """Whether the maps depend on what the detector learned."""
        bound = float(np.mean(self.correlations)) if self.mean is None else self.mean.high
        return bound < LIMIT


def reinitialised(detector: Detector, seed: int) -> Detector:
    """The same kind of detector, fitted on noise: every number that it learned is replaced.

    Args:
        detector: fitted.
        seed: of the noise and of the new detector.

    Returns:
        A detector for rows of the same width, fitted on as many rows of normal numbers.

    Example:
        >>> from deepmed.learning.saliency.example import example_page
        >>> page = example_page()
        >>> noise = reinitialised(page.function.detector, seed=1)
        >>> noise.n_features_in_, noise.data_hash_ == page.function.detector.data_hash_
        (768, False)
    """
    noise = generator(seed, "reinitialised").standard_normal(
        (detector.n_rows_, detector.n_features_in_)
    )
    return _refitted(detector, noise, seed)


def knowing_nothing(function: ScoreFunction, seed: int) -> ScoreFunction:
    """The same encoder and columns with a re-initialised detector.

    Args:
        function: what scores.
        seed: of the noise and of the new detector.

    Example:
        >>> from deepmed.learning.saliency.example import example_page
        >>> function = example_page().function
        >>> other = knowing_nothing(function, seed=1)
        >>> other.encoder is function.encoder, other.detector is function.detector
        (True, False)
    """
    return replace(function, detector=reinitialised(function.detector, seed))


def shuffled(detector: Detector, rows: FloatArray, seed: int) -> Detector:
    """The same kind of detector, fitted on rows whose columns were shuffled one by one.

    It keeps the mean and the spread of every column, and with them the standardisation, and loses
    how columns go together. That is a much weaker change: a drawing that is far from the mean stays
    so, and the maps stay alike as far as they show that.

    Args:
        detector: fitted.
        rows: (n, D) what it was fitted on.
        seed: of the shuffling and of the new detector.

    Example:
        >>> from deepmed.learning.saliency.example import example_page
        >>> detector = example_page().function.detector
        >>> rows = np.random.default_rng(0).normal(size=(9, 768))
        >>> shuffled(detector, rows, seed=1).standardization_.mean.shape
        (768,)
    """
    mixed = generator(seed, "shuffled").permuted(rows, axis=0)
    return _refitted(detector, mixed, seed)


def map_correlation(before: SaliencyMap, after: SaliencyMap) -> float:
    """Spearman's rank correlation of two maps of one drawing, signs included, -1 to 1.

    Raises:
        InsufficientDataError: a map is constant: it ranks nothing.

    Example:
        >>> values = np.array([[1.0, 2.0]])
        >>> one = SaliencyMap(values, "occlusion", 1.0, "edges", "paper", (0, 0, 1, 1))
        >>> map_correlation(one, one)
        1.0
    """
    return rank_correlation(before.values.ravel(), after.values.ravel())


def check_randomisation(
    before: Sequence[SaliencyMap],
    after: Sequence[SaliencyMap],
    children: Sequence[Hashable],
    seed: int = 0,
) -> RandomisationCheck:
    """Compare the maps of a model with those of its re-initialised twin.

    Args:
        before: one map a drawing, by the model.
        after: the same drawings, method and fill, with `reinitialised`.
        children: the child of each drawing.
        seed: of the bootstrap.

    Returns:
        The correlations and whether they are low enough.

    Raises:
        InsufficientDataError: there is no map, or one is constant.

    Example:
        >>> maps = [SaliencyMap(np.random.default_rng(seed).normal(size=(14, 14)), "occlusion", 1.0,
        ...                     "edges", "paper", (0, 0, 1, 1)) for seed in range(12)]
        >>> check_randomisation(maps[:6], maps[6:], range(6)).passed
        True
    """
    if not before:
        raise InsufficientDataError("There is no map to compare.")
    pairs = zip(before, after, strict=True)
    correlations = tuple(map_correlation(first, second) for first, second in pairs)
    enough = len(set(children)) >= 5
    mean = mean_interval(correlations, list(children), seed) if enough else None
    return RandomisationCheck(correlations, mean)


def _refitted(detector: Detector, rows: NDArray[np.float64], seed: int) -> Detector:
    fresh: Detector = clone(detector)
    if "seed" in fresh.get_params(deep=False):
        fresh.set_params(seed=seed)
    return fresh.fit(rows, slots=detector.slots_)
