"""Held-out drawings and planted anomalies, scored fold by fold and put on one scale."""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from deepmed.kit import seeds
from deepmed.learning.calibration.children import encode_children
from deepmed.learning.detectors.base import Detector
from deepmed.learning.detectors.standardization import FloatArray
from deepmed.learning.errors import InsufficientDataError

_NO_FOLD = -1


@dataclass(frozen=True)
class PlantedItem:
    """An anomaly planted into one of the drawings that detectors are compared on.

    Attributes:
        embedding: Its embedding, shape (D,).
        source_row: Row of the drawing that it was made from.
        kind: What was done to it; figures are given for each kind.
        donor_row: Row of another drawing that stands in its place, where that one is among the
            rows: the anomaly is then scored only if both drawings' children are held out.
    """

    embedding: npt.ArrayLike
    source_row: int
    kind: str
    donor_row: int | None = None


@dataclass(frozen=True)
class Ranks:
    """Places among the drawings of the own fold, from 0 to 1, higher = more abnormal.

    Attributes:
        negative: Of the drawings, shape (n,).
        positive: Of the planted anomalies that can be scored, shape (m,).
        negative_scores: The scores behind them, each by the detector of its fold, shape (n,).
        positive_scores: Likewise, shape (m,).
    """

    negative: FloatArray
    positive: FloatArray
    negative_scores: FloatArray | None = None
    positive_scores: FloatArray | None = None


@dataclass(frozen=True)
class Folds:
    """Who is held out when, the same for every detector that is compared.

    Attributes:
        children: The child of each drawing.
        of_drawings: The fold of each drawing, shape (n,); a child's drawings are in one.
        of_planted: The fold of each planted anomaly, or -1 where it cannot be scored, shape (k,).
        planted: The anomalies.
    """

    children: Sequence[Hashable]
    of_drawings: npt.NDArray[np.int64]
    of_planted: npt.NDArray[np.int64]
    planted: Sequence[PlantedItem]

    @classmethod
    def deal(
        cls, children: Sequence[Hashable], planted: Sequence[PlantedItem], folds: int, seed: int
    ) -> Self:
        """Deal the children into folds at random; with fewer children than folds, one each.

        Raises:
            InsufficientDataError: Fewer than two children, or no anomaly can be scored.

        Example:
            >>> dealt = Folds.deal(["a", "b", "a"], [PlantedItem([0.0], 2, "far")], 5, seed=0)
            >>> dealt.of_drawings.tolist(), dealt.of_planted.tolist()
            ([0, 1, 0], [0])
        """
        codes, numbers = encode_children(children)
        if min(len(numbers), folds) < 2:
            raise InsufficientDataError(
                f"The fitting part has drawings of {len(numbers)} children and {folds} folds were "
                "asked for; a comparison needs two of each. Name a detector instead."
            )
        order = seeds.generator(seed, "selection", "folds").permutation(len(numbers))
        fold_of_child = np.empty(len(numbers), dtype=np.int64)
        fold_of_child[order] = np.arange(len(numbers)) % folds
        of_drawings = fold_of_child[codes]
        of_planted = np.array([_fold_of(item, of_drawings) for item in planted])
        if not (of_planted != _NO_FOLD).any():
            raise InsufficientDataError(
                "No planted anomaly can be scored, so the detectors cannot be compared."
            )
        return cls(children, of_drawings, of_planted, planted)

    @property
    def count(self) -> int:
        """Number of folds."""
        return int(self.of_drawings.max()) + 1

    @property
    def scorable(self) -> list[PlantedItem]:
        """The anomalies that can be scored, in order."""
        pairs = zip(self.planted, self.of_planted, strict=True)
        return [item for item, fold in pairs if fold != _NO_FOLD]

    @property
    def planted_children(self) -> list[Hashable]:
        """The child of each scorable anomaly's source."""
        return [self.children[item.source_row] for item in self.scorable]

    def rank(
        self,
        make: Callable[[int], Detector],
        drawings: FloatArray,
        planted: FloatArray,
        done: Callable[[], None] = lambda: None,
        *,
        slots: int = 0,
    ) -> Ranks:
        """Fit a detector without each fold's children, and rank what is of those children.

        Scores of different folds come from different models and are on no common scale, so each
        is replaced by the share of its fold's drawings that score less (ties count half).

        Args:
            make: A new detector for a fold.
            drawings: Features of the drawings, shape (n, D).
            planted: Features of all planted anomalies, shape (k, D).
            done: Called after each fold.
            slots: As in ``Detector.fit``.
        """
        owners, _ = encode_children(self.children)
        negative, positive = np.empty(len(drawings)), np.full(len(planted), np.nan)
        negative_scores, positive_scores = np.empty_like(negative), np.empty_like(positive)
        for fold in range(self.count):
            held, planted_here = self.of_drawings == fold, self.of_planted == fold
            detector = make(fold).fit(drawings[~held], children=owners[~held], slots=slots)
            scores = detector.score_samples(drawings[held])
            negative[held], negative_scores[held] = _places(scores, scores), scores
            if planted_here.any():
                own = detector.score_samples(planted[planted_here])
                positive[planted_here], positive_scores[planted_here] = _places(scores, own), own
            done()
        found = self.of_planted != _NO_FOLD
        return Ranks(negative, positive[found], negative_scores, positive_scores[found])


def _fold_of(item: PlantedItem, of_drawings: npt.NDArray[np.int64]) -> int:
    fold = int(of_drawings[item.source_row])
    strange = item.donor_row is not None and of_drawings[item.donor_row] != fold
    return _NO_FOLD if strange else fold


def _places(reference: FloatArray, scores: FloatArray) -> FloatArray:
    ordered = np.sort(reference)
    below = np.searchsorted(ordered, scores, "left")
    up_to = np.searchsorted(ordered, scores, "right")
    return (below + up_to) / (2 * len(ordered))
