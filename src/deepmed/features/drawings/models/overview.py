"""What `deepmed drawings groups` shows: the ages, a plan, and what it could train."""

from typing import Any

from sqlalchemy.orm import Session

from deepmed.features.drawings.models import repository
from deepmed.features.drawings.models.age_groups import AgeGroupManager
from deepmed.features.drawings.models.ranges import AgeRange, parse_groups
from deepmed.features.drawings.models.sufficiency import (
    DataAugmentationSuggester,
    DataSufficiencyAnalyzer,
    GroupDrawings,
)
from deepmed.features.drawings.workbench import Workbench


def overview(bench: Workbench, session: Session, plan: str | None = None) -> dict[str, Any]:
    """Ages, the plan's groups (the suggested ones when none is given) and their sufficiency."""
    manager = AgeGroupManager(bench)
    groups = parse_groups(plan) if plan else manager.suggest_age_groups(session)
    analyzer = DataSufficiencyAnalyzer(bench.settings.threshold_percentile)
    infos = [analyzer.analyze_age_group_data(_group(bench, session, ages)) for ages in groups]
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


def _group(bench: Workbench, session: Session, ages: AgeRange) -> GroupDrawings:
    rows = [
        row for row in repository.trainable(session, bench.owner_id) if ages.holds(row.age_years)
    ]
    return GroupDrawings(ages, [row.child_id for row in rows], [row.subject for row in rows])
