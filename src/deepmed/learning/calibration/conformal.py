"""Split conformal ranking by child: a child weighs one, however many drawings it made."""

import math
from bisect import bisect_left
from collections.abc import Hashable
from itertools import compress
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from deepmed.learning.calibration.children import (
    Children,
    CodeArray,
    child_list,
    encode_children,
)
from deepmed.learning.calibration.errors import ScoreNormalizationError
from deepmed.learning.calibration.level import (
    conformal_p,
    exact_level,
    is_flagged,
    normalized_score,
)
from deepmed.learning.calibration.rounding import FloatArray, round_score, round_scores

__all__ = ["CalibrationSet", "round_scores"]

# Whole units stay exact in float64 up to here; beyond, Python's integers count.
_LARGEST_EXACT = 2**53


class CalibrationSet:
    """Scores of the calibration children; immutable.

    p(s) = (1 + W) / (n + 1), where W sums over the n calibration children the share of the child's
    drawings with score >= s. For a drawing of a new child that is exchangeable with them,
    P(p <= alpha) <= alpha, for every n. Source: split conformal prediction (Vovk et al. 2005;
    Papadopoulos et al. 2002), with children as the exchangeable units (Lee, Barber and Willett,
    Distribution-free inference with hierarchical data, 2023).

    W is counted in whole units of 1 / lcm(drawings a child), so it is exact and does not depend on
    the order of the drawings.

    Args:
        scores: (m,) scores of the calibration drawings, higher is more unusual, rounded here to ten
            significant digits. May be empty: then nothing can be flagged.
        children: (m,) hashable id of the child that made each drawing.

    Raises:
        ScoreNormalizationError: A score is not finite, an id is missing, or lengths differ.

    >>> calibration = CalibrationSet([1.0, 2.0, 4.0], ["ann", "ann", "bob"])
    >>> calibration.count(2.0)
    (1.5, 2)
    >>> calibration.p_value(5.0)
    0.3333333333333333
    """

    __slots__ = (
        "_above",
        "_children",
        "_codes",
        "_ids",
        "_order",
        "_scores",
        "_sorted",
        "_unit",
        "_weights",
    )

    def __init__(self, scores: ArrayLike, children: Children) -> None:
        self._scores = round_scores(scores)
        self._children = tuple(child_list(children))
        if self._scores.shape != (len(self._children),):
            raise ScoreNormalizationError(
                f"{self._scores.shape} scores were given with {len(self._children)} child ids; "
                "each calibration drawing needs one of both."
            )
        self._codes, self._ids = encode_children(self._children)
        self._unit, self._weights = _whole_units(self._codes, len(self._ids))
        self._arrange(np.argsort(self._scores, kind="stable"))

    def _arrange(self, order: NDArray[np.intp]) -> None:
        self._order = order
        self._sorted = self._scores[order]
        self._above = np.append(np.cumsum(self._weights[order][::-1])[::-1], 0)
        for array in (self._scores, self._sorted, self._above, self._codes, self._weights, order):
            array.flags.writeable = False

    @property
    def scores(self) -> FloatArray:
        """(m,) rounded scores, in the order given; read-only."""
        return self._scores

    @property
    def children(self) -> tuple[Hashable, ...]:
        """(m,) child of each score, in the order given."""
        return self._children

    @property
    def n_children(self) -> int:
        """How many children calibrate: n of a new child's ranking."""
        return len(self._ids)

    def __len__(self) -> int:
        """How many drawings calibrate."""
        return len(self._children)

    def __contains__(self, child: Hashable) -> bool:
        """Whether the child calibrates."""
        return child in self._ids

    def count(self, score: float, without: Hashable | None = None) -> tuple[float, int]:
        """W, the children at or above a score, and n, the children of the ranking.

        Args:
            score: Score of the drawing to rank.
            without: A calibration child to leave out (the drawing's own).

        Raises:
            ScoreNormalizationError: The score is not finite, or the child does not calibrate.

        >>> CalibrationSet([1.0, 2.0], ["ann", "bob"]).count(1.5, without="bob")
        (0.0, 1)
        """
        if without is not None:
            return self.without_child(without).count(score)
        return self._count(round_score(score), "left"), self.n_children

    def counts(self, scores: ArrayLike, without: Hashable | None = None) -> tuple[FloatArray, int]:
        """W of many scores at once, and n.

        Args:
            scores: (k,) scores to rank.
            without: A calibration child to leave out of all of them.

        Returns:
            (k,) float64 W, and n.

        >>> CalibrationSet([1.0, 2.0], ["ann", "bob"]).counts([0.5, 1.5])
        (array([2., 1.]), 2)
        """
        if without is not None:
            return self.without_child(without).counts(scores)
        units = self._above[np.searchsorted(self._sorted, round_scores(scores), side="left")]
        return (units / self._unit).astype(np.float64), self.n_children

    def p_value(self, score: float, without: Hashable | None = None) -> float:
        """The conformal p of a score: small where the score is unusually high.

        >>> CalibrationSet(range(19), range(19)).p_value(100.0)
        0.05
        """
        return conformal_p(*self.count(score, without))

    def normalized_score(self, score: float, without: Hashable | None = None) -> float:
        """100 * (1 - p), rounded to nine decimals; comparable across calibration sets.

        >>> CalibrationSet(range(19), range(19)).normalized_score(100.0)
        95.0
        """
        return normalized_score(*self.count(score, without))

    def p_just_above(self, score: float) -> float:
        """The p of a new child's score that is barely greater than this one.

        >>> CalibrationSet(range(19), range(19)).p_just_above(17.0)
        0.1
        """
        return conformal_p(self._count(round_score(score), "right"), self.n_children)

    def threshold(self, percentile: float) -> float | None:
        """The largest calibration score c with p(c) > alpha.

        A new child's drawing is flagged exactly where its rounded score is greater.

        Returns:
            A score, or None where so few children cannot support the percentile.

        >>> CalibrationSet(range(19), range(19)).threshold(95)
        18.0
        >>> CalibrationSet(range(18), range(18)).threshold(95) is None
        True
        """
        if not self.supports(percentile):
            return None
        first_flagged = bisect_left(
            range(len(self)),
            True,
            key=lambda place: is_flagged(
                normalized_score(self._count(float(self._sorted[place]), "left"), self.n_children),
                percentile,
            ),
        )
        # The lowest score has p = 1, so there is always one that is not flagged before it.
        return float(self._sorted[first_flagged - 1])

    def attained_level(self, percentile: float) -> float | None:
        """The largest p not above alpha that a new child's drawing can reach.

        Without ties and with one drawing a child it is floor(alpha * (n + 1)) / (n + 1), and it is
        the share of new children's drawings that are flagged.

        Returns:
            A share, or None where so few children cannot support the percentile.

        >>> CalibrationSet(range(30), range(30)).attained_level(95) == 1 / 31
        True
        """
        threshold = self.threshold(percentile)
        return None if threshold is None else self.p_just_above(threshold)

    def supports(self, percentile: float, *, ranked: bool = False) -> bool:
        """Whether any score could be flagged at this percentile.

        Args:
            percentile: 0 < percentile < 100.
            ranked: False for a new child (n >= 1 / alpha - 1); True for a calibration or
                twin-ranked child, which is ranked without itself (n >= 1 / alpha).

        >>> calibration = CalibrationSet(range(19), range(19))
        >>> calibration.supports(95), calibration.supports(95, ranked=True)
        (True, False)
        """
        exact_level(percentile)
        highest = self.highest_percentile(ranked=ranked)
        return highest is not None and is_flagged(highest, percentile)

    def highest_percentile(self, *, ranked: bool = False) -> float | None:
        """The highest percentile that so many children support; None where there is nobody.

        >>> CalibrationSet(range(19), range(19)).highest_percentile()
        95.0
        """
        others = self.n_children - ranked
        return normalized_score(0.0, others) if others > 0 else None

    def without_child(self, child: Hashable) -> "CalibrationSet":
        """The ranking that a calibration child meets: all others.

        Raises:
            ScoreNormalizationError: The child does not calibrate.

        >>> CalibrationSet([1.0, 2.0], ["ann", "bob"]).without_child("ann").children
        ('bob',)
        """
        if child not in self:
            raise ScoreNormalizationError(
                f"Child {child!r} is not among the {self.n_children} calibration children, "
                "so it cannot be left out of their ranking."
            )
        kept = self._codes != self._ids[child]
        # Every calibration drawing of a batch meets such a ranking, so it is cut out of this one
        # and not built anew; the weights may stay in units that only the left-out child needed.
        rest = object.__new__(CalibrationSet)
        rest._scores = self._scores[kept]
        rest._children = tuple(compress(self._children, kept.tolist()))
        rest._codes, rest._unit, rest._weights = self._codes[kept], self._unit, self._weights[kept]
        rest._ids = self._ids.copy()
        del rest._ids[child]
        place = np.cumsum(kept) - 1
        rest._arrange(place[self._order[kept[self._order]]])
        return rest

    def removed(self, child: Hashable) -> "CalibrationSet":
        """The set after a child's deletion; deleting a child that is not in it changes nothing.

        >>> CalibrationSet([1.0, 2.0], ["ann", "bob"]).removed("eve").n_children
        2
        """
        return self.without_child(child) if child in self else self

    def _count(self, rounded: float, side: Literal["left", "right"]) -> float:
        return int(self._above[np.searchsorted(self._sorted, rounded, side=side)]) / self._unit


def _whole_units(codes: CodeArray, n: int) -> tuple[int, NDArray[np.generic]]:
    """The least common multiple of the drawings a child, and each drawing's weight in its units."""
    sizes = np.bincount(codes, minlength=n)
    unit = math.lcm(*set(sizes.tolist()))
    fits = unit * n < _LARGEST_EXACT
    return unit, np.asarray(unit // sizes.astype(np.int64 if fits else object))[codes]
