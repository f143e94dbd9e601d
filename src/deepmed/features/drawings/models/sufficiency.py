"""Is there enough? What the number of drawings and children allows to say (D-11).

The learning library is loaded when something is reckoned with it: who only asks for the least
numbers does not wait for it.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any

from deepmed.features.drawings.models.ranges import AgeRange
from deepmed.kit.errors import ModelError

MINIMUM = 10
RECOMMENDED = 50
GREATEST_MERGED_SPAN = 4.0


class DataSufficiencyError(ModelError):
    """The data of an age group cannot be judged."""

    code = "data_sufficiency"


@dataclass(frozen=True)
class AgeGroupDataInfo:
    """What a group would train and calibrate on."""

    age_group: str
    age_min: float
    age_max: float
    sample_count: int
    children: int
    calibration_children: int
    is_sufficient: bool
    can_train: bool
    recommended_min_samples: int
    subjects_distribution: dict[str, int]
    false_alarm_spread: dict[str, Any]
    """Where the false-alarm rate of one calibration on so many children lies, 95 % of the time."""

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class DataSufficiencyWarning:
    """Something about a group's data that limits what can be said."""

    warning_type: str
    severity: str
    age_group: str
    message: str
    suggestions: list[str]

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class AgeGroupMergingSuggestion:
    """Two neighbouring groups that would be better off as one."""

    original_groups: list[str]
    merged_group: str
    combined_sample_count: int
    rationale: str

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class GroupCounts:
    """How much a group has that may train."""

    ages: AgeRange
    drawings: int
    children: int
    calibrating: int
    """How many of its children calibrate."""
    subjects: Mapping[str, int]


@dataclass(frozen=True)
class GroupDrawings:
    """The drawings of a group that may train: one child id and one subject each."""

    ages: AgeRange
    children: Sequence[int]
    subjects: Sequence[str | None]
    lent: int = 0
    """Drawings that other groups can lend to its fitting part."""
    seed: int = 0
    """Of the training: with several drawings a child it matters who is drawn to calibrate."""

    def counted(self) -> GroupCounts:
        return GroupCounts(
            self.ages,
            len(self.children),
            len(set(self.children)),
            self._calibrating(),
            Counter(name or "unspecified" for name in self.subjects),
        )

    def _calibrating(self) -> int:
        from deepmed.learning.calibration.split import split_children  # noqa: PLC0415 - see above

        counts = Counter(self.children)
        split = split_children(list(counts), list(counts.values()), self.seed, borrowable=self.lent)
        return len(split.calibration)


class DataSufficiencyAnalyzer:
    """Judges groups at a percentile."""

    def __init__(self, percentile: float = 95.0) -> None:
        self.percentile = percentile

    def analyze_age_group_data(self, group: GroupDrawings) -> AgeGroupDataInfo:
        return self.judge(group.counted())

    def judge(self, group: GroupCounts) -> AgeGroupDataInfo:
        from deepmed.learning.evaluation import false_alarm_spread  # noqa: PLC0415 - see above
        from deepmed.learning.evaluation.measuring import measured  # noqa: PLC0415 - see above

        calibrating, count = group.calibrating, group.drawings
        spread = measured(lambda: false_alarm_spread(calibrating, percentile=self.percentile))
        return AgeGroupDataInfo(
            age_group=group.ages.label,
            age_min=group.ages.age_min,
            age_max=group.ages.age_max,
            sample_count=count,
            children=group.children,
            calibration_children=calibrating,
            is_sufficient=count >= RECOMMENDED,
            can_train=count >= MINIMUM,
            recommended_min_samples=RECOMMENDED,
            subjects_distribution=dict(group.subjects),
            false_alarm_spread=spread,
        )

    def generate_data_warnings(self, info: AgeGroupDataInfo) -> list[DataSufficiencyWarning]:
        """Warnings, gravest first."""
        warnings = []
        if info.sample_count < MINIMUM:
            warnings.append(
                self._warn(
                    info,
                    "critical",
                    f"{info.sample_count} drawings: no model can be trained, {MINIMUM} are the "
                    "least.",
                )
            )
        elif info.sample_count < RECOMMENDED:
            warnings.append(
                self._warn(
                    info,
                    "high",
                    f"{info.sample_count} drawings: a model can be trained, {RECOMMENDED} or more "
                    "make its flags steadier.",
                )
            )
        if info.can_train and info.false_alarm_spread["estimate"] is None:
            warnings.append(
                self._warn(
                    info,
                    "high",
                    f"{info.calibration_children} of {info.children} children calibrate: too few "
                    f"to flag anything at the {self.percentile:g}th percentile.",
                )
            )
        return warnings

    def suggest_age_group_merging(
        self, groups: Sequence[AgeGroupDataInfo]
    ) -> list[AgeGroupMergingSuggestion]:
        """Neighbours of which one is short of drawings and that stay within four years."""
        ordered = sorted(groups, key=lambda info: info.age_min)
        return [
            AgeGroupMergingSuggestion(
                original_groups=[lower.age_group, upper.age_group],
                merged_group=f"{lower.age_min:.1f}-{upper.age_max:.1f}",
                combined_sample_count=lower.sample_count + upper.sample_count,
                rationale=(
                    f"{lower.sample_count} and {upper.sample_count} drawings: together they make "
                    "one group that flags more steadily, at the price of a wider age."
                ),
            )
            for lower, upper in pairwise(ordered)
            if min(lower.sample_count, upper.sample_count) < RECOMMENDED
            and upper.age_max - lower.age_min <= GREATEST_MERGED_SPAN
            and lower.age_max == upper.age_min
        ]

    @staticmethod
    def _warn(info: AgeGroupDataInfo, severity: str, message: str) -> DataSufficiencyWarning:
        return DataSufficiencyWarning(
            warning_type="insufficient_data",
            severity=severity,
            age_group=info.age_group,
            message=message,
            suggestions=["Add drawings of this age.", "Merge the group with a neighbour."],
        )


class DataAugmentationSuggester:
    """What may be done where drawings are few; augmented copies never calibrate."""

    def suggest_augmentation_strategies(self, info: AgeGroupDataInfo) -> dict[str, Any]:
        short = info.sample_count < RECOMMENDED
        return {
            "needed": short,
            "recommended_techniques": [
                "small shifts of the whole drawing",
                "small changes of line darkness",
            ]
            if short
            else [],
            "cautions": [
                "Copies help to fit and are no new children: they never calibrate and never count.",
                "Do not mirror or turn: placement and direction carry meaning in drawings.",
            ],
        }
