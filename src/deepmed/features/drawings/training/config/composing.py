"""From packaged defaults, a person's file and their overrides to one checked configuration.

Hydra puts together what is packaged and nothing else; no value is resolved or constructed (S-26).
"""

import json
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from threading import Lock
from typing import Any

from pydantic import ValidationError as SchemaError

from deepmed.features.drawings.training.config.models import TrainingConfig
from deepmed.features.drawings.training.config.overrides import DEFAULTS, Override
from deepmed.kit.errors import ValidationError

_one_at_a_time = Lock()  # Hydra keeps its state in one place of the process


def packaged(choices: Mapping[str, str] | None = None) -> dict[str, Any]:
    """The packaged defaults with these choices, such as `{"optimizer": "sgd"}`."""
    from hydra import compose, initialize_config_module  # noqa: PLC0415 - it loads slowly
    from omegaconf import OmegaConf  # noqa: PLC0415 - likewise

    written = [f"{group}={choice}" for group, choice in (choices or {}).items()]
    with _one_at_a_time, initialize_config_module(DEFAULTS, version_base="1.3"):
        composed = compose("training", overrides=written)
    found = OmegaConf.to_container(composed, resolve=False)
    return {str(name): value for name, value in found.items()} if isinstance(found, dict) else {}


def composed(
    overrides: Sequence[Override] = (), base: TrainingConfig | None = None
) -> TrainingConfig:
    """The defaults, or `base`, with the first value of each override.

    Raises:
        ValidationError: there is no such place, or a value is not acceptable there.
    """
    choices = {one.place: str(one.values[0]) for one in overrides if one.is_choice}
    values = packaged(choices)
    if base is not None:
        chosen = {group: values[group] for group in choices}
        values = base.model_dump(mode="json") | chosen
    for one in overrides:
        if not one.is_choice:
            set_value(values, one.place, one.values[0])
    return checked(values)


def set_value(values: dict[str, Any], place: str, value: Any) -> None:
    """Change the value at a place.

    Raises:
        ValidationError: there is no such place.
    """
    *outer, name = place.split(".")
    inside = values
    for part in outer:
        inside = inside.get(part, {}) if isinstance(inside, dict) else {}
    if not isinstance(inside, dict) or name not in inside or isinstance(inside[name], dict):
        near = get_close_matches(place, places(values), n=1)
        hint = f"Did you mean {near[0]}?" if near else "See `deepmed drawings training config`."
        raise ValidationError(f"There is no place {place!r} in a training's configuration. {hint}")
    inside[name] = value


def places(values: Mapping[str, Any], before: str = "") -> list[str]:
    """Every place that holds a value, such as `epochs` and `optimizer.learning_rate`."""
    found: list[str] = []
    for name, value in values.items():
        here = f"{before}{name}"
        found += places(value, f"{here}.") if isinstance(value, Mapping) else [here]
    return found


def checked(values: Mapping[str, Any]) -> TrainingConfig:
    """The configuration of plain values.

    Raises:
        ValidationError: names each place with what is wrong there.
    """
    try:
        # Through JSON, so that the strict models still take a list for a tuple and text for enums.
        return TrainingConfig.model_validate_json(json.dumps(values))
    except SchemaError as error:
        problems = error.errors(include_url=False, include_input=False)
        told = "; ".join(f"{_place(item['loc'])}: {item['msg']}" for item in problems)
        raise ValidationError(f"The training's configuration is not acceptable: {told}.") from error


def _place(loc: Sequence[int | str]) -> str:
    return ".".join(map(str, loc)) or "configuration"
