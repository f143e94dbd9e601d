"""Every combination of some values, as configurations."""

import math
from collections.abc import Iterator, Sequence
from itertools import product
from typing import Any, Self

from pydantic import Field, model_validator

from deepmed.features.drawings.training.config.composing import checked, packaged, set_value
from deepmed.features.drawings.training.config.models import Strict, TrainingConfig
from deepmed.features.drawings.training.config.overrides import Override, groups
from deepmed.kit.errors import ValidationError

MOST_TRIALS = 64
FIXED = ("data.train_split", "data.validation_split", "data.test_split", "data.layout", "seed")
"""Trials are compared on the same drawings of validation, so these are not swept."""
_SCALAR = int | float | bool | str


class ParameterSweepConfig(Strict):
    """Configuration for parameter sweeps: values by place, such as `optimizer.learning_rate`.

    A place may also be a packaged choice, such as `optimizer` or `model`.
    """

    parameters: dict[str, list[_SCALAR | list[_SCALAR]]] = Field(min_length=1, max_length=8)

    @model_validator(mode="after")
    def _countable(self) -> Self:
        empty = [place for place, values in self.parameters.items() if not values]
        if empty:
            raise ValueError(f"{', '.join(empty)} has no value to try")
        return self

    @classmethod
    def of(cls, overrides: Sequence[Override]) -> Self:
        """The sweep over what several values were written for."""
        return cls(
            parameters={one.place: list(one.values) for one in overrides if len(one.values) > 1}
        )


def trials(
    base: TrainingConfig, sweep: ParameterSweepConfig
) -> Iterator[tuple[dict[str, Any], TrainingConfig]]:
    """Each combination with its configuration, the last place changing fastest.

    Raises:
        ValidationError: too many combinations, or a place or value that is not acceptable.
    """
    count = math.prod(len(values) for values in sweep.parameters.values())
    if count > MOST_TRIALS:
        raise ValidationError(
            f"These are {count} combinations, and {MOST_TRIALS} are the most. Try fewer values."
        )
    fixed = sorted(set(sweep.parameters) & {*FIXED, "data", "environment", "job_name"})
    if fixed:
        raise ValidationError(
            f"{', '.join(fixed)} cannot be swept: trials are compared on the same drawings."
        )
    for number, values in enumerate(product(*sweep.parameters.values()), 1):
        chosen = dict(zip(sweep.parameters, values, strict=True))
        yield chosen, _trial(base, chosen, number)


def _trial(base: TrainingConfig, chosen: dict[str, Any], number: int) -> TrainingConfig:
    known = groups()
    plain = base.model_dump(mode="json")
    choices = {place: str(value) for place, value in chosen.items() if place in known}
    if choices:
        made = packaged(choices)
        plain |= {group: made[group] for group in choices}
    for place, value in chosen.items():
        if place not in known:
            set_value(plain, place, value)
    plain["job_name"] = f"{base.job_name[:180]} trial {number}"
    return checked(plain)
