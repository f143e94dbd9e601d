"""What `deepmed drawings groups` shows: the ages, a plan, and what it could train."""

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
    infos = [analyzer.analyze_age_group_data(group) for group in _drawings(bench, session, groups)]
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
