"""What `deepmed drawings groups` shows: the ages, a plan, and what it could train."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
from sqlalchemy.orm import Session

from deepmed.features.drawings.models import repository
from deepmed.features.drawings.models.age_groups import AgeGroupManager
from deepmed.features.drawings.models.config import GroupTrainingConfig
from deepmed.features.drawings.models.eligibility import within
from deepmed.features.drawings.models.ranges import AgeRange, parse_groups
from deepmed.features.drawings.models.standing import find_standing
from deepmed.features.drawings.models.sufficiency import (
    DataAugmentationSuggester,
    DataSufficiencyAnalyzer,
    GroupCounts,
    GroupDrawings,
)
from deepmed.features.drawings.workbench import Workbench
from deepmed.kit.database import AnyRow
from deepmed.learning.reference import Rows, borrowable


def overview(
    bench: Workbench, session: Session, plan: str | Sequence[AgeRange] | None = None
) -> dict[str, Any]:
    """Ages, the plan's groups (the suggested ones when none is given) and their sufficiency."""
    manager = AgeGroupManager(bench)
    groups = (
        (parse_groups(plan) if isinstance(plan, str) else plan)
        if plan
        else manager.suggest_age_groups(session)
    )
    analyzer = DataSufficiencyAnalyzer(bench.settings.threshold_percentile)
    infos = [analyzer.judge(group) for group in _counted(bench, session, groups)]
    suggester = DataAugmentationSuggester()
    return {
        "distribution": manager.analyze_age_distribution(session),
        "groups": [info.to_dict() for info in infos],
        "warnings": [
            warning.to_dict() for info in infos for warning in analyzer.generate_data_warnings(info)
        ],
        "merging_suggestions": [
            merge.to_dict() for merge in analyzer.suggest_age_group_merging(infos)
        ],
        "augmentation": {
            info.age_group: suggester.suggest_augmentation_strategies(info) for info in infos
        },
        "coverage": manager.get_age_group_coverage(session),
    }


def _counted(bench: Workbench, session: Session, groups: Sequence[AgeRange]) -> list[GroupCounts]:
    """Counted by the database, unless so few are in a group that it matters who they are."""
    children = [repository.children_of_ages(session, bench.owner_id, ages) for ages in groups]
    calibrating = certain_calibration(children)
    if None in calibrating:
        return [group.counted() for group in _drawings(bench, session, groups)]
    found = repository.ages_and_subjects(session, bench.owner_id)
    return [
        _group(ages, number, own or 0, found)
        for ages, number, own in zip(groups, children, calibrating, strict=True)
    ]


def _group(ages: AgeRange, children: int, calibrating: int, found: Sequence[AnyRow]) -> GroupCounts:
    subjects: Counter[str] = Counter()
    for row in found:
        if ages.holds(row.age_years):
            subjects[row.subject or "unspecified"] += row.number
    return GroupCounts(ages, subjects.total(), children, calibrating, subjects)


def certain_calibration(children: Sequence[int]) -> list[int | None]:
    """How many children calibrate in each of some groups; None where it matters who is drawn.

    The fitting part holds all others, and each of these made a drawing at least. Where that is
    enough, or is with what the other groups lend for sure, nobody is taken out of the calibration.

    Args:
        children: how many each group has.
    """
    from deepmed.learning.calibration.split import (  # noqa: PLC0415 - it brings the library along
        MINIMUM_FIT,
        calibration_size,
    )

    sizes = [calibration_size(number) for number in children]
    left = [number - size for number, size in zip(children, sizes, strict=True)]
    return [
        size
        if rest + sum(max(0, other - number) for j, other in enumerate(left) if j != i)
        >= MINIMUM_FIT
        else None
        for i, (number, size, rest) in enumerate(zip(children, sizes, left, strict=True))
    ]


def _drawings(
    bench: Workbench, session: Session, groups: Sequence[AgeRange]
) -> list[GroupDrawings]:
    """What each group would train on, and what the others could lend to it."""
    found = repository.trainable(session, bench.owner_id)
    subjects = {row.id: row.subject for row in found}
    everyone = _without_vectors(found)
    seed = GroupTrainingConfig().seed
    standing = find_standing(session, bench.owner_id, None, groups, everyone)
    own = {ages: within(everyone, ages) for ages in groups}
    lent = borrowable(own, seed, others=[item.lenders for item in standing])
    return [
        GroupDrawings(
            ages,
            rows.children.tolist(),
            [subjects[drawing] for drawing in rows.drawings.tolist()],
            lent[ages],
            seed,
        )
        for ages, rows in own.items()
    ]


def _without_vectors(found: Sequence[AnyRow]) -> Rows:
    return Rows(
        np.array([row.id for row in found], dtype=np.int64),
        np.array([row.child_id for row in found], dtype=np.int64),
        np.array([row.age_years for row in found], dtype=np.float64),
        np.zeros(len(found), dtype=np.int64),
        np.zeros((len(found), 0), dtype=np.float32),
    )
