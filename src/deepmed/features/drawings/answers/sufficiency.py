"""What the drawings at hand allow to train, put together for the routes (contract 2.4)."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import Any

from deepmed.features.drawings.desk import Desk
from deepmed.features.drawings.models import repository
from deepmed.features.drawings.models.kinds import plan_in_use
from deepmed.features.drawings.models.overview import overview
from deepmed.features.drawings.models.ranges import (
    DEFAULT_PLAN,
    AgeRange,
    closes_by_default,
    parse_groups,
)
from deepmed.features.drawings.models.sufficiency import MINIMUM, RECOMMENDED
from deepmed.features.drawings.schemas.models import (
    AgeBounds,
    AgeGroupData,
    Augmentation,
    GroupRecommendations,
    GroupSufficiency,
    MergeSuggestion,
    SufficiencyAnalysis,
    SufficiencySummary,
    SufficiencyWarning,
    SufficiencyWarnings,
)
from deepmed.kit.database import AnyRow

SEVERITIES = ("critical", "high", "medium", "low")
NO_GRADE = (
    "Quality is not one number: see the count of drawings and children, and how far the rate of "
    "false alarms can stray with so many."
)
NO_MULTIPLIER = "Altered copies are no new children, so no number of them is recommended."
NO_IMPROVEMENT = "What merging would improve shows only after training; train a candidate to see."


def analysis(desk: Desk, groups: str | None) -> SufficiencyAnalysis:
    found = _Overview(desk, parse_groups(groups) if groups else None)
    merging = found.merging_suggestions()
    return SufficiencyAnalysis(
        success=True,
        age_groups_analyzed=len(found.groups),
        analysis_results=found.groups,
        warnings=found.warnings,
        merging_suggestions=merging,
        summary=SufficiencySummary(
            total_warnings=len(found.warnings),
            critical_warnings=_severe(found.warnings, "critical"),
            high_warnings=_severe(found.warnings, "high"),
            merging_opportunities=len(merging),
        ),
    )


def of_group(desk: Desk, age_min: float, age_max: float) -> GroupSufficiency:
    """Raises ValidationError where that is no range of ages."""
    ages = AgeRange(age_min, age_max, closes_by_default(age_max))
    found = _Overview(desk, [ages])
    info = found.groups[0]
    advice = found.raw["augmentation"][info.age_group]
    return GroupSufficiency(
        success=True,
        age_group=AgeBounds(min=age_min, max=age_max),
        data_analysis=info,
        augmentation_suggestions=Augmentation(
            **advice, multiplier_reason=NO_MULTIPLIER, priority_subjects=[]
        ),
        recommendations=GroupRecommendations(
            can_train=info.can_train,
            needs_augmentation=advice["needed"],
            quality_reason=NO_GRADE,
            minimum=MINIMUM,
            recommended=RECOMMENDED,
        ),
    )


def warnings(desk: Desk, severity: str | None) -> SufficiencyWarnings:
    found = [
        warning
        for warning in _Overview(desk, None).warnings
        if severity in {None, warning.severity}
    ]
    by_type: dict[str, list[SufficiencyWarning]] = defaultdict(list)
    for warning in found:
        by_type[warning.warning_type].append(warning)
    counts = Counter(warning.severity for warning in found)
    return SufficiencyWarnings(
        success=True,
        total_warnings=len(found),
        severity_filter=severity,
        warnings=found,
        warnings_by_type=by_type,
        severity_counts={each: counts[each] for each in SEVERITIES},
    )


class _Overview:
    """Of the groups named, else of the active models' groups, else of the default plan."""

    def __init__(self, desk: Desk, named: Sequence[AgeRange] | None) -> None:
        with desk.bench.database.read() as session:
            active = plan_in_use(desk.models.active(session))
            plan = list(named or active or parse_groups(DEFAULT_PLAN))
            self.raw = overview(desk.bench, session, plan)
            self._drawn = repository.ages_and_subjects(session, desk.bench.owner_id)
        self._plan = plan
        self._by_label = {info["age_group"]: info for info in self.raw["groups"]}
        self.warnings = [self._warning(each) for each in self.raw["warnings"]]

    @cached_property
    def groups(self) -> list[AgeGroupData]:
        """With the age of each drawing, which warnings and merges need not."""
        return [
            AgeGroupData(
                **info, age_distribution=_ages(self._drawn, ages), data_quality_reason=NO_GRADE
            )
            for info, ages in zip(self.raw["groups"], self._plan, strict=True)
        ]

    def merging_suggestions(self) -> list[MergeSuggestion]:
        return [self._merge(each) for each in self.raw["merging_suggestions"]]

    def _warning(self, found: dict[str, Any]) -> SufficiencyWarning:
        group = self._by_label[found["age_group"]]
        return SufficiencyWarning(
            **found,
            age_group_min=group["age_min"],
            age_group_max=group["age_max"],
            current_samples=group["sample_count"],
            recommended_samples=group["recommended_min_samples"],
        )

    def _merge(self, found: dict[str, Any]) -> MergeSuggestion:
        groups = [self._by_label[label] for label in found["original_groups"]]
        return MergeSuggestion(
            original_groups=[(group["age_min"], group["age_max"]) for group in groups],
            merged_group=(groups[0]["age_min"], groups[-1]["age_max"]),
            combined_sample_count=found["combined_sample_count"],
            improvement_reason=NO_IMPROVEMENT,
            rationale=found["rationale"],
        )


def _ages(drawn: Iterable[AnyRow], ages: AgeRange) -> list[float]:
    """Of every drawing of the group, lowest first, as the counts have them."""
    found: list[float] = []
    for row in drawn:
        if ages.holds(row.age_years):
            found += [row.age_years] * row.number
    return found


def _severe(found: Iterable[SufficiencyWarning], severity: str) -> int:
    return sum(warning.severity == severity for warning in found)
