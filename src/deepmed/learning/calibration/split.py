"""Who fits and who calibrates: a random split of children, never of drawings."""

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import ceil, floor

from deepmed.kit.seeds import derive
from deepmed.learning.calibration.errors import ScoreNormalizationError

MINIMUM_FIT = 10
"""Drawings that a fitting part must hold."""
MINIMUM_CALIBRATION = 20
"""Calibration children that are wanted before the fitting part gets any."""


@dataclass(frozen=True)
class ChildSplit:
    """Children of the fitting part and of the calibration part, disjoint.

    >>> ChildSplit(fit=("ann",), calibration=("bob",)).calibration
    ('bob',)
    """

    fit: tuple[Hashable, ...]
    calibration: tuple[Hashable, ...]


def calibration_size(children: int) -> int:
    """How many of N children calibrate: min(N, max(20, ceil(N / 2))).

    >>> [calibration_size(children) for children in (5, 30, 41, 100)]
    [5, 20, 21, 50]
    """
    return min(children, max(MINIMUM_CALIBRATION, ceil(children / 2)))


def split_children(
    children: Sequence[Hashable],
    drawings_per_child: Sequence[int],
    seed: int,
    *,
    minimum_fit: int = MINIMUM_FIT,
    borrowable: int = 0,
) -> ChildSplit:
    """Split a group's eligible children at random.

    Each child's place comes from a random key of its own, so it does not depend on who else is
    there, and is the same in every group that uses the same seed.

    Args:
        children: (N,) distinct ids.
        drawings_per_child: (N,) eligible drawings of each.
        seed: The run's seed.
        minimum_fit: Drawings that the fitting part must hold; with fewer, N - 10 calibrate.
        borrowable: Drawings of other groups that the fitting part can borrow.

    Raises:
        ScoreNormalizationError: An id occurs twice, or lengths differ.

    >>> split = split_children(range(60), [1] * 60, seed=0)
    >>> len(split.fit), len(split.calibration)
    (30, 30)
    >>> len(split_children(range(15), [1] * 15, seed=0).calibration)
    5
    >>> len(split_children(range(15), [1] * 15, seed=0, borrowable=10).calibration)
    15
    """
    if len(set(children)) != len(children) or len(children) != len(drawings_per_child):
        raise ScoreNormalizationError("A split needs each child once, with its count of drawings.")
    drawings = dict(zip(children, drawings_per_child, strict=True))
    order = _shuffled(children, seed, "calibration")
    n = calibration_size(len(order))
    if sum(drawings[child] for child in order[n:]) + borrowable < minimum_fit:
        n = max(0, len(order) - minimum_fit)
    return ChildSplit(fit=tuple(order[n:]), calibration=tuple(order[:n]))


def twin_split(split: ChildSplit, seed: int, *, target: int = MINIMUM_CALIBRATION) -> ChildSplit:
    """The twin's split: it calibrates on all of the model's fitting children.

    Where these are fewer than `target`, calibration children of the model, drawn at random, top
    them up; the other calibration children fit the twin.

    Args:
        split: The model's own split.
        seed: The run's seed.
        target: Calibration children that are wanted.

    >>> split = split_children(range(30), [1] * 30, seed=0)
    >>> twin = twin_split(split, seed=0)
    >>> set(split.fit) <= set(twin.calibration), len(twin.calibration), len(twin.fit)
    (True, 20, 10)
    """
    missing = max(0, target - len(split.fit))
    order = _shuffled(split.calibration, seed, "twin")
    return ChildSplit(fit=tuple(order[missing:]), calibration=(*split.fit, *order[:missing]))


def even_calibration(splits: Sequence[ChildSplit], seed: int) -> tuple[Hashable, ...]:
    """The calibration children of several groups together, as many of each as its size asks for.

    Small groups calibrate with a greater share of their children than large ones. Taken together
    as they are, a new child would be ranked mostly among children of small groups, with whom it is
    not exchangeable, and typical drawings of large groups would be flagged too often. So every
    group is cut to the smallest share that any of them has, rounded down.

    Args:
        splits: Each group's split; groups without children have no say.
        seed: The seed of the splits: a child of several groups is kept, or not, in all of them.

    Returns:
        The children kept, each once.

    >>> whole = ChildSplit(fit=(), calibration=("ann", "bob", "cas", "dov"))
    >>> half = ChildSplit(fit=("eve", "fay"), calibration=("gil", "hal"))
    >>> len(even_calibration([whole, half], seed=0))
    4
    """
    sizes = [len(split.fit) + len(split.calibration) for split in splits]
    shares = [
        Fraction(len(split.calibration), size)
        for split, size in zip(splits, sizes, strict=True)
        if size
    ]
    kept = [
        child
        for split, size in zip(splits, sizes, strict=True)
        for child in _shuffled(split.calibration, seed, "calibration")[
            : floor(min(shares, default=Fraction(0)) * size)
        ]
    ]
    return tuple(dict.fromkeys(kept))


def _shuffled(children: Iterable[Hashable], seed: int, purpose: str) -> list[Hashable]:
    return sorted(children, key=lambda child: (derive(seed, purpose, str(child)), str(child)))
