"""Which ages there are, which groups they make, and which model speaks for an age (D-7)."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from sqlalchemy.orm import Session

from deepmed.core.audit import repository as audit
from deepmed.features.drawings.models import repository
from deepmed.features.drawings.models.kinds import GROUP, is_given, plan_in_use, row_for
from deepmed.features.drawings.models.ranges import (
    GREATEST_AGE,
    LEAST_AGE,
    AgeRange,
    parse_groups,
    refuse_overlap,
)
from deepmed.features.drawings.tables import AgeGroupModel
from deepmed.features.drawings.workbench import Workbench
from deepmed.kit.database import AnyRow
from deepmed.kit.errors import ModelError

if TYPE_CHECKING:
    from deepmed.features.drawings.models.training import GroupTraining, TrainingRun


class AgeGroupManagerError(ModelError):
    """Age groups cannot be read or made."""

    code = "age_group_manager"


YEARLY, CUSTOM = "yearly", "custom"
WIDTHS = {YEARLY: 1, "2-year": 2, "3-year": 3}
"""How many years a bin has from which groups are suggested; with any other strategy one."""


@dataclass(frozen=True)
class AgeGroupConfig:
    """How groups are suggested: bins of years, merged upwards until they hold enough.

    `strategy` says how wide a bin is, with these defaults (`yearly`, `2-year`, `3-year`), or
    `custom` where a person changed one; a bin is a year then.
    """

    min_samples: int = 50
    max_span: float = 4.0
    strategy: str = YEARLY


class AgeGroupManager:
    """Ages of the owner's drawings, and the groups over them."""

    def __init__(self, bench: Workbench, config: AgeGroupConfig | None = None) -> None:
        self.bench = bench
        self._config = config

    def grouping(self, session: Session) -> AgeGroupConfig:
        """How groups are suggested: as was asked for here, else as the owner set it."""
        if self._config is not None:
            return self._config
        row = repository.grouping(session, self.bench.owner_id)
        return (
            AgeGroupConfig(row.min_samples, row.max_span, row.strategy) if row else AgeGroupConfig()
        )

    def set_grouping(
        self,
        session: Session,
        *,
        strategy: str | None = None,
        min_samples: int | None = None,
        max_span: float | None = None,
    ) -> AgeGroupConfig:
        """Change how groups are suggested to this owner; None leaves a value as it is."""
        old = self.grouping(session)
        base = AgeGroupConfig() if strategy in WIDTHS else old
        given = min_samples is not None or max_span is not None
        new = AgeGroupConfig(
            base.min_samples if min_samples is None else min_samples,
            base.max_span if max_span is None else max_span,
            strategy or (CUSTOM if given else old.strategy),
        )
        if new != old:
            row = repository.set_grouping(session, self.bench.owner_id, asdict(new))
            audit.record(
                session,
                self.bench.owner_id,
                "grouping.change",
                "age_grouping_setting",
                row.id,
                before=asdict(old),
                after=asdict(new),
            )
        return new

    def analyze_age_distribution(self, session: Session) -> dict[str, Any]:
        """Drawings and children by completed year of age, over drawings that may train."""
        all_of = repository.ages_in_all(session, self.bench.owner_id)
        return {
            "total_drawings": all_of.drawings,
            "total_children": all_of.children,
            "age_range": [all_of.lowest, all_of.highest] if all_of.drawings else None,
            "mean_age": all_of.mean,
            "years": [
                {
                    "age_start": int(row.year),
                    "age_end": int(row.year) + 1,
                    "drawings": row.drawings,
                    "children": row.children,
                }
                for row in repository.ages_by_year(session, self.bench.owner_id)
            ],
        }

    def suggest_age_groups(self, session: Session) -> list[AgeRange]:
        """Yearly bins merged upwards until each holds enough drawings, or is as wide as allowed.

        What is left over at the end joins the last group where that stays within the width.
        """
        # Who is exactly of the greatest age belongs to the year before, whose end is closed.
        counts: Counter[int] = Counter()
        for row in repository.ages_and_subjects(session, self.bench.owner_id):
            counts[min(int(row.age_years), int(GREATEST_AGE) - 1)] += row.number
        config = self.grouping(session)
        merged = _absorb_tail(_merge(counts, config), counts, config)
        last = len(merged) - 1
        return [
            AgeRange(max(LEAST_AGE, float(low)), float(high), upper_closed=i == last)
            for i, (low, high) in enumerate(merged)
        ]

    def create_age_groups(
        self, groups: str | Sequence[AgeRange], training: "GroupTraining"
    ) -> "TrainingRun":
        """Train a model for each group of a plan such as `3-6,6-9,9-12`."""
        return training.train(parse_groups(groups) if isinstance(groups, str) else groups)

    def find_appropriate_model(
        self, session: Session, age: float, subject: str | None = None
    ) -> AgeGroupModel | None:
        """The active model that answers at this age; None outside the supported ages."""
        return row_for(self._active(session), age, subject)

    def get_age_group_coverage(self, session: Session) -> dict[str, Any]:
        """Which ages have a model, and the gaps between them."""
        ranges = sorted(plan_in_use(self._active(session)))
        gaps = [
            [lower.age_max, upper.age_min]
            for lower, upper in pairwise(ranges)
            if lower.age_max < upper.age_min
        ]
        return {
            "total_models": len(ranges),
            "age_ranges": [[ages.age_min, ages.age_max] for ages in ranges],
            "coverage_gaps": gaps,
            "total_coverage": [ranges[0].age_min, ranges[-1].age_max] if ranges else None,
        }

    def validate_age_group_data(
        self, session: Session, groups: Sequence[AgeRange], kind: str = GROUP
    ) -> list[dict[str, Any]]:
        """How many drawings and children each group of a plan would train on."""
        refuse_overlap(groups)
        rows = [row for row in self._candidates(session) if kind == GROUP or is_given(row.subject)]
        inside = {group: [row for row in rows if group.holds(row.age_years)] for group in groups}
        return [
            {
                "age_group": group.label,
                "drawings": len(found),
                "children": len({row.child_id for row in found}),
            }
            for group, found in inside.items()
        ]

    def _candidates(self, session: Session) -> Sequence[AnyRow]:
        return repository.trainable(session, self.bench.owner_id)

    def _active(self, session: Session) -> list[AgeGroupModel]:
        return repository.active_of_ages(session, self.bench.owner_id)


def _merge(counts: Counter[int], config: AgeGroupConfig) -> list[tuple[int, int]]:
    """Years upwards until they hold enough; years without drawings open no group."""
    bounds: list[tuple[int, int]] = []
    width = WIDTHS.get(config.strategy, 1)
    start, held = None, 0
    for year in range(min(counts, default=0), max(counts, default=-1) + 1):
        held += counts[year]
        if not held:
            continue
        start = year if start is None else start
        years = year + 1 - start
        if years % width == 0 and (held >= config.min_samples or years + width > config.max_span):
            bounds.append((start, year + 1))
            start, held = None, 0
    return bounds if start is None else [*bounds, (start, max(counts) + 1)]


def _absorb_tail(
    bounds: list[tuple[int, int]], counts: Counter[int], config: AgeGroupConfig
) -> list[tuple[int, int]]:
    if len(bounds) < 2:
        return bounds
    (start, _), (low, high) = bounds[-2:]
    few = sum(counts.get(year, 0) for year in range(low, high)) < config.min_samples
    if few and high - start <= config.max_span:
        return [*bounds[:-2], (start, high)]
    return bounds
