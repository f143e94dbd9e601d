"""Who fits and who calibrates, decided before anything is fitted (D-9, D-26).

Every group is split by child. A group whose fitting part is thin may borrow drawings of other
groups by other children, and only from those groups' fitting parts, so that nobody's calibration
drawing is ever seen by any model's fitting. The twin turns the roles round: it calibrates on the
children that the model was fitted on, and so can rank them.
"""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np

from deepmed.learning.calibration.split import (
    MINIMUM_FIT,
    ChildSplit,
    even_calibration,
    split_children,
    twin_split,
)
from deepmed.learning.reference.rows import Rows, join

Name = TypeVar("Name", bound=Hashable)


@dataclass(frozen=True)
class Half:
    """What one detector is fitted on, and whom it is calibrated on."""

    fit: Rows
    borrowed: Rows
    calibration: Rows

    @property
    def training(self) -> Rows:
        """Own and borrowed drawings together."""
        return join([self.fit, self.borrowed])


@dataclass(frozen=True)
class GroupPlan:
    """The model's half and the twin's; no twin where it would be fitted on too little."""

    model: Half
    twin: Half | None

    @property
    def fit_children(self) -> set[int]:
        """Children that the model was fitted on, borrowed ones included."""
        return set(self.model.training.children.tolist())


@dataclass(frozen=True)
class Lenders:
    """Drawings that other groups can lend: from fitting parts, and from twins' fitting parts."""

    fit: Rows
    twin_fit: Rows


@dataclass
class _Split:
    own: Rows
    model: ChildSplit
    twin: ChildSplit
    lent: Lenders = field(init=False)

    def __post_init__(self) -> None:
        self.lent = Lenders(
            self.own.of_children(_ids(self.model.fit)), self.own.of_children(_ids(self.twin.fit))
        )


def plan_groups(
    groups: Mapping[Name, Rows],
    seed: int,
    *,
    fit_target: int = MINIMUM_FIT,
    others: Sequence[Lenders] = (),
) -> dict[Name, GroupPlan]:
    """Split every group by child and let thin groups borrow.

    Args:
        groups: the eligible drawings of each group.
        seed: seed of the run; a child keeps its place in the order whatever else is added.
        fit_target: drawings up to which a fitting part borrows, nearest ages first.
        others: what models trained earlier can lend.

    Returns:
        A plan for each group.

    Example:
        >>> rows = Rows(np.arange(40), np.arange(40), np.full(40, 7.0), np.zeros(40, np.int64),
        ...             np.zeros((40, 2), np.float32))
        >>> plan = plan_groups({"6-9": rows}, seed=0)["6-9"]
        >>> len(plan.model.fit), len(plan.model.calibration)
        (20, 20)
    """
    lent = borrowable(groups, seed, others=others)
    splits = {name: _split(rows, seed, borrowable=lent[name]) for name, rows in groups.items()}
    return {name: _plan(name, splits, others, fit_target) for name in groups}


def borrowable(
    groups: Mapping[Name, Rows], seed: int, *, others: Sequence[Lenders] = ()
) -> dict[Name, int]:
    """How many drawings the others can lend to each group's fitting part.

    Args:
        groups: the eligible drawings of each group.
        seed: seed of the run.
        others: what models trained earlier can lend.

    Returns:
        Drawings of other children in the other groups' fitting parts, by group.

    Example:
        >>> def rows(first):
        ...     ids = np.arange(first, first + 40)
        ...     return Rows(ids, ids, np.full(40, 7.0), np.zeros(40, np.int64),
        ...                 np.zeros((40, 2), np.float32))
        >>> borrowable({"3-6": rows(0), "6-9": rows(40)}, seed=0)
        {'3-6': 20, '6-9': 20}
    """
    splits = {name: _split(rows, seed, borrowable=None) for name, rows in groups.items()}
    return {name: _borrowable(name, splits, others) for name in groups}


def plan_pool(plans: Sequence[GroupPlan], seed: int) -> GroupPlan:
    """One plan over all groups: fitted on their fitting parts, calibrated on their calibrators.

    A child who calibrates any group never fits the pool, even if another group fitted on it. Of
    these children each group gives the same share to calibrate (`even_calibration`); the others
    have no part in the pool.
    """
    everyone = join([half for plan in plans for half in (plan.model.fit, plan.model.calibration)])
    splits = [
        ChildSplit(_children(plan.model.fit), _children(plan.model.calibration)) for plan in plans
    ]
    calibrators = {child for split in splits for child in split.calibration}
    fitters = [child for child in _children(everyone) if child not in calibrators]
    chosen = sorted(_ids(even_calibration(splits, seed)))
    split = ChildSplit(fit=tuple(fitters), calibration=tuple(chosen))
    twin = twin_split(split, seed)
    nobody = everyone.take(np.zeros(len(everyone), dtype=bool))
    return GroupPlan(_half(everyone, split, nobody), _twin(everyone, twin, nobody))


def _split(own: Rows, seed: int, borrowable: int | None) -> _Split:
    children, counts = np.unique(own.children, return_counts=True)
    split = split_children(
        children.tolist(),
        counts.tolist(),
        seed,
        minimum_fit=MINIMUM_FIT,
        # Before the others' splits are known, assume that they lend enough.
        borrowable=MINIMUM_FIT if borrowable is None else borrowable,
    )
    return _Split(own, split, twin_split(split, seed))


def _borrowable(name: Name, splits: Mapping[Name, _Split], others: Sequence[Lenders]) -> int:
    own = set(splits[name].own.children.tolist())
    lenders = [split.lent for other, split in splits.items() if other != name] + list(others)
    return sum(len(lender.fit.without_children(own)) for lender in lenders)


def _plan(
    name: Name, splits: Mapping[Name, _Split], others: Sequence[Lenders], fit_target: int
) -> GroupPlan:
    split = splits[name]
    lenders = [item.lent for other, item in splits.items() if other != name] + list(others)
    nobody = split.own.take(np.zeros(len(split.own), dtype=bool))
    pool = join([nobody, *(lender.fit for lender in lenders)])
    twin_pool = join([nobody, *(lender.twin_fit for lender in lenders)])
    model = _half(split.own, split.model, _borrow(split.own, split.model, pool, fit_target))
    twin_borrowed = _borrow(split.own, split.twin, twin_pool, fit_target)
    return GroupPlan(model, _twin(split.own, split.twin, twin_borrowed))


def _borrow(own: Rows, split: ChildSplit, pool: Rows, fit_target: int) -> Rows:
    """The drawings nearest in age to the group, until the fitting part reaches its target."""
    missing = max(0, fit_target - len(own.of_children(_ids(split.fit))))
    lent = pool.without_children(set(own.children.tolist()))
    middle = float(np.median(own.ages)) if len(own) else 0.0
    order = np.lexsort((lent.drawings, np.abs(lent.ages - middle)))
    return lent.take(order[:missing].astype(np.int64))


def _half(own: Rows, split: ChildSplit, borrowed: Rows) -> Half:
    return Half(
        own.of_children(_ids(split.fit)), borrowed, own.of_children(_ids(split.calibration))
    )


def _twin(own: Rows, split: ChildSplit, borrowed: Rows) -> Half | None:
    half = _half(own, split, borrowed)
    return half if len(half.training) >= MINIMUM_FIT and len(half.calibration) else None


def _children(rows: Rows) -> tuple[int, ...]:
    return tuple(sorted(set(rows.children.tolist())))


def _ids(children: Sequence[Hashable]) -> list[int]:
    return [int(str(child)) for child in children]
