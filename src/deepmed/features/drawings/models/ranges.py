"""Age ranges: half-open unless the upper end is said to belong to them (D-7)."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from deepmed.features.drawings.tables import AgeGroupModel
from deepmed.kit.errors import ValidationError

LEAST_AGE = 2.0
GREATEST_AGE = 18.0
DEFAULT_PLAN = "3-6,6-9,9-12"
DEFAULT_PLAN_END = 12.0


@dataclass(frozen=True, order=True)
class AgeRange:
    """Ages from `age_min` up to `age_max`; that end itself belongs only where it is closed."""

    age_min: float
    age_max: float
    upper_closed: bool = False

    def __post_init__(self) -> None:
        if not LEAST_AGE <= self.age_min < self.age_max <= GREATEST_AGE:
            raise ValidationError(
                f"{self.age_min:g}-{self.age_max:g} is no age range: it rises, and lies between "
                f"{LEAST_AGE:g} and {GREATEST_AGE:g} years. Nothing was trained."
            )

    @property
    def label(self) -> str:
        """`6.0-9.0`, as the contract writes it."""
        return f"{self.age_min:.1f}-{self.age_max:.1f}"

    @property
    def words(self) -> str:
        end = "to" if self.upper_closed else "to under"
        return f"{self.age_min:g} {end} {self.age_max:g} years"

    def holds(self, age: float) -> bool:
        return self.age_min <= age < self.age_max or (self.upper_closed and age == self.age_max)

    def overlaps(self, other: "AgeRange") -> bool:
        """Whether any age belongs to both."""
        first, second = sorted((self, other))
        return second.age_min < first.age_max or first.holds(second.age_min)


def range_of(model: AgeGroupModel) -> AgeRange:
    return AgeRange(model.age_min, model.age_max, model.upper_closed)


def parse_groups(text: str) -> list[AgeRange]:
    """`3-6,6-9,9-12`: the last group holds its upper end.

    Raises:
        ValidationError: a part is not a range, or two of them overlap.
    """
    parts = [part.strip() for part in text.split(",") if part.strip()]
    bounds = [_bounds(part) for part in parts]
    if not bounds:
        raise ValidationError("No age group was named. An example: --groups 3-6,6-9,9-12")
    last = max(range(len(bounds)), key=lambda index: bounds[index][1])
    groups = [AgeRange(*pair, upper_closed=index == last) for index, pair in enumerate(bounds)]
    refuse_overlap(groups)
    return sorted(groups)


def refuse_overlap(groups: Sequence[AgeRange]) -> None:
    ordered = sorted(groups)
    for lower, upper in pairwise(ordered):
        if lower.overlaps(upper):
            raise ValidationError(
                f"The age groups {lower.label} and {upper.label} overlap, and every age has one "
                "model. Nothing was trained. Let one end where the next begins."
            )


def closes_by_default(age_max: float) -> bool:
    """Whether a single group without a word on it holds its upper end."""
    return age_max in {DEFAULT_PLAN_END, GREATEST_AGE}


def _bounds(part: str) -> tuple[float, float]:
    low, dash, high = part.partition("-")
    try:
        if not dash:
            raise ValueError(part)  # noqa: TRY301 - one message for every malformed range
        return float(low), float(high)
    except ValueError as error:
        raise ValidationError(
            f"{part!r} is not an age range. An example: --groups 3-6,6-9,9-12"
        ) from error
