"""Many drawings at once: one p a child, and what a search through the batch may call a discovery.

q-values stand beside the flags and never change them.
"""

from collections import defaultdict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from deepmed.learning.calibration.children import Children, child_list
from deepmed.learning.calibration.errors import ScoreNormalizationError
from deepmed.learning.calibration.level import conformal_p, level_of
from deepmed.learning.calibration.rounding import FloatArray

_DECIMALS = 11

NEW = "new"
"""The role of a child on which the model was neither fitted nor calibrated."""


def child_p_values(p: Sequence[float], children: Children) -> dict[Hashable, float]:
    """One p a child: m times the smallest p of its m drawings, at most 1 (Bonferroni).

    Args:
        p: (k,) p of each drawing.
        children: (k,) child of each drawing.

    Raises:
        ScoreNormalizationError: Lengths differ.

    >>> child_p_values([0.5, 0.25, 0.75], ["ann", "ann", "bob"])
    {'ann': 0.5, 'bob': 0.75}
    """
    ids = child_list(children)
    if len(p) != len(ids):
        raise ScoreNormalizationError(f"{len(p)} p-values were given with {len(ids)} child ids.")
    drawings: dict[Hashable, list[float]] = defaultdict(list)
    for value, child in zip(p, ids, strict=True):
        drawings[child].append(float(value))
    return {child: min(1.0, len(values) * min(values)) for child, values in drawings.items()}


def benjamini_hochberg(p: ArrayLike) -> FloatArray:
    """The smallest false-discovery rate at which each hypothesis would be selected.

    Source: Benjamini and Hochberg, JRSS B 57 (1995); valid for conformal p-values that share their
    calibration set (Bates et al., Annals of Statistics 51, 2023).

    Args:
        p: (k,) p-values, one a child.

    Returns:
        (k,) q-values, 0 to 1, rounded to eleven decimals: there, as on the normalised scale of
        scores, equal numbers are equal, so that `q <= 0.05` means what it says.

    Raises:
        ScoreNormalizationError: A p lies outside 0 to 1.

    >>> benjamini_hochberg([0.01, 0.04, 0.5]).tolist()
    [0.03, 0.06, 0.5]
    """
    values = np.asarray(p, dtype=np.float64)
    if not ((values >= 0) & (values <= 1)).all():
        raise ScoreNormalizationError("A p-value lies between 0 and 1.")
    order = np.argsort(values, kind="stable")
    stepped = values[order] * len(values) / np.arange(1, len(values) + 1)
    q = np.empty_like(values)
    q[order] = np.minimum.accumulate(stepped[::-1])[::-1]
    return np.round(np.clip(q, 0.0, 1.0), _DECIMALS).astype(np.float64)


def q_values(
    p: Sequence[float | None], children: Children, roles: Sequence[str | None]
) -> list[float | None]:
    """The q-value of each row of a batch: its child's, where the child is new to the model.

    Args:
        p: (k,) p of each drawing; None where it has none.
        children: (k,) child of each drawing.
        roles: (k,) the child's role for the model; only `new` rows take part.

    Returns:
        (k,) q-values, None for rows of other roles and for rows without p.

    >>> q_values([0.01, 0.5, 0.02], ["ann", "bob", "cas"], ["new", "new", "calibration"])
    [0.02, 0.5, None]
    """
    ids = child_list(children)
    rows = [
        (value, child) if role == NEW and value is not None else None
        for value, child, role in zip(p, ids, roles, strict=True)
    ]
    taking_part = [row for row in rows if row is not None]
    by_child = child_p_values([value for value, _ in taking_part], [row[1] for row in taking_part])
    q = dict(zip(by_child, benjamini_hochberg(list(by_child.values())).tolist(), strict=True))
    return [None if row is None else q[row[1]] for row in rows]


@dataclass(frozen=True, kw_only=True)
class BatchOutlook:
    """What a batch of new children could select at best, told before it is scored."""

    n_children: int
    level: float
    smallest_q: float | None
    """The smallest q that any drawing could get; None for a batch without new children."""
    can_select_any: bool
    children_needed: int | None
    """How many children would have to score above all calibration children at once, those with the
    smallest reachable p, for any of them to be selected; None where not even all would do."""


def smallest_reachable_q(
    n_calibration: int | Sequence[int], drawings_per_child: Sequence[int]
) -> float | None:
    """The smallest q that any drawing of a batch could get: if every child scored above everyone.

    Args:
        n_calibration: Calibration children of the model, or of each child's own model.
        drawings_per_child: (k,) drawings of each new child in the batch.

    Returns:
        A q-value, or None for an empty batch.

    >>> smallest_reachable_q(19, [1, 1, 1])
    0.05
    >>> smallest_reachable_q(19, [4])
    0.2
    """
    lowest = _lowest_p(n_calibration, drawings_per_child)
    return float(benjamini_hochberg(lowest).min()) if len(lowest) else None


def batch_outlook(
    n_calibration: int | Sequence[int],
    drawings_per_child: Sequence[int],
    percentile: float = 95.0,
) -> BatchOutlook:
    """Whether any drawing of a batch could be selected at all, told beforehand.

    Args:
        n_calibration: Calibration children of the model, or of each child's own model.
        drawings_per_child: (k,) drawings of each new child in the batch.
        percentile: The false-discovery rate asked for is 1 - percentile / 100.

    >>> batch_outlook(50, [1] * 100).children_needed
    40
    >>> batch_outlook(10, [1] * 100).can_select_any
    False
    """
    lowest = np.sort(_lowest_p(n_calibration, drawings_per_child))
    level = level_of(percentile)
    k = len(lowest)
    needed = np.round(lowest * k / np.arange(1, k + 1), _DECIMALS) <= level
    return BatchOutlook(
        n_children=k,
        level=level,
        smallest_q=smallest_reachable_q(n_calibration, drawings_per_child),
        can_select_any=bool(needed.any()),
        children_needed=1 + int(needed.argmax()) if needed.any() else None,
    )


def _lowest_p(n_calibration: int | Sequence[int], drawings_per_child: Sequence[int]) -> FloatArray:
    drawn = np.asarray(drawings_per_child, dtype=np.float64)
    sizes, place = np.unique(
        np.broadcast_to(np.asarray(n_calibration), drawn.shape), return_inverse=True
    )
    alone = np.array([conformal_p(0.0, int(n)) for n in sizes], dtype=np.float64)
    lowest: FloatArray = np.minimum(1.0, drawn * alone[place])
    return lowest
