"""Drawings of other groups that decide a group's figures without a part in its model."""

from collections.abc import Mapping
from dataclasses import dataclass

from deepmed.features.drawings.models.eligibility import Eligible
from deepmed.features.drawings.models.ranges import AgeRange
from deepmed.learning.reference import GroupPlan, Rows, join


@dataclass(frozen=True)
class Surroundings:
    """What a group's report measures its model against."""

    neighbours: Rows
    """All eligible drawings of the groups next to this one: does it tell them apart? (D-27)"""
    donors: Mapping[str, Rows]
    """Other groups' drawings by their part, `fit` or `calibration`, to be planted into this one."""


def surroundings(
    group: AgeRange, plans: Mapping[AgeRange, GroupPlan], eligible: Eligible
) -> Surroundings:
    """What stands around a group.

    Args:
        group: the group.
        plans: of this group and of all others, standing ones too.
        eligible: the drawings that may train.
    """
    return Surroundings(
        _neighbours(group, plans, eligible),
        {part: _donors(group, plans, eligible, part) for part in ("fit", "calibration")},
    )


def _neighbours(group: AgeRange, plans: Mapping[AgeRange, GroupPlan], eligible: Eligible) -> Rows:
    ordered = sorted(plans)
    place = ordered.index(group)
    beside = [ordered[i] for i in (place - 1, place + 1) if 0 <= i < len(ordered)]
    return join([_nobody(eligible), *(eligible.of(other) for other in beside)])


def _donors(
    group: AgeRange, plans: Mapping[AgeRange, GroupPlan], eligible: Eligible, part: str
) -> Rows:
    """Of children who have no part in this group."""
    mine = plans[group].model
    others = [getattr(plan.model, part) for other, plan in plans.items() if other != group]
    return join([_nobody(eligible), *others]).without_children(
        {*mine.training.children.tolist(), *mine.calibration.children.tolist()}
    )


def _nobody(eligible: Eligible) -> Rows:
    return eligible.rows.take(eligible.rows.drawings < 0)
