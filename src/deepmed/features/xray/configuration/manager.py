"""The configuration of a training: defaults, a file, a level and single values (X-10)."""

import json
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from types import MappingProxyType
from typing import Any, Self

from pydantic import ValidationError as SchemaError

from deepmed.features.xray.configuration.levels import level_of
from deepmed.features.xray.configuration.models import XrayConfig
from deepmed.features.xray.configuration.settings import network_settings, training_settings
from deepmed.kit.errors import ValidationError

_MISSING: Any = object()


class ConfigManager:
    """One checked configuration, asked for by sections and by places such as `system.seed`.

    Args:
        values: sections with the values that differ from the defaults.

    Raises:
        ValidationError: a key is unknown, or a value is not acceptable; every one is named.

    >>> ConfigManager().get("experiment.learning_rate")
    0.001
    """

    def __init__(self, values: Mapping[str, Any] | None = None) -> None:
        self.config = _checked(values or {})

    @classmethod
    def load(
        cls,
        file: Path | None = None,
        *,
        level: int | str | None = None,
        overrides: Sequence[str] = (),
        start: Mapping[str, Any] = MappingProxyType({}),
    ) -> Self:
        """A file's values, changed by a level and then by single values as `place=value`.

        `start` has values by place that the file may change.

        Raises:
            ValidationError: the file is none, or a key or value in it or elsewhere is not
                acceptable.
        """
        values: dict[str, Any] = {}
        for place, value in start.items():
            _put(values, place, value)
        for section, given in ({} if file is None else _from_file(file)).items():
            values[section] = values.get(section, {}) | given
        if level is not None:
            for place, value in level_of(level).values.items():
                _put(values, place, value)
        for written in overrides:
            place, value = _assignment(written)
            _put(values, place, value)
        return cls(values)

    def get(self, key: str, default: Any = _MISSING) -> Any:
        """The value at a place, for example `experiment.epochs`.

        Raises:
            ValidationError: there is no such place, and no default was given.
        """
        inside: Any = self.resolved
        for part in key.split("."):
            if not isinstance(inside, dict) or part not in inside:
                if default is _MISSING:
                    raise _unknown(key)
                return default
            inside = inside[part]
        return inside

    def get_section(self, section: str) -> dict[str, Any]:
        """All values of a section.

        Raises:
            ValidationError: there is no such section.
        """
        found = self.resolved.get(section)
        if found is None:
            raise ValidationError(
                f"There is no section {section!r}; there are {', '.join(self.resolved)}."
            )
        return dict(found)

    @property
    def resolved(self) -> dict[str, Any]:
        """Every value, defaults included, in JSON's own types: what is stored with a run."""
        return self.config.model_dump(mode="json")


def places() -> list[str]:
    """Every place in the configuration."""
    found = XrayConfig().model_dump()
    return [f"{section}.{name}" for section, values in found.items() for name in values]


def _checked(values: Mapping[str, Any]) -> XrayConfig:
    try:
        # Through JSON: strict models then take its lists for tuples, and nothing else.
        config = XrayConfig.model_validate_json(json.dumps(values, allow_nan=False))
    except SchemaError as error:
        told = "; ".join(
            f"{'.'.join(map(str, item['loc'])) or 'configuration'}: {item['msg']}"
            for item in error.errors(include_url=False, include_input=False)
        )
        raise ValidationError(f"The configuration is not acceptable: {told}.") from error
    except (TypeError, ValueError, RecursionError) as error:
        raise ValidationError("The configuration is no plain JSON; nothing was done.") from error
    training_settings(config)
    network_settings(config.model_copy(update={"experiment": _without_weights(config)}), 2)
    return config


def _without_weights(config: XrayConfig) -> Any:
    return config.experiment.model_copy(update={"weights": None})


def _from_file(path: Path) -> dict[str, Any]:
    from deepmed.kit.safe_config import load_yaml  # noqa: PLC0415 - who has no file waits for none

    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ValidationError(f"{path.name} is no configuration that can be read.") from error
    return load_yaml(text, XrayConfig).model_dump(mode="json", exclude_unset=True)


def _assignment(written: str) -> tuple[str, Any]:
    place, separator, text = written.partition("=")
    if not separator:
        raise ValidationError(f"{written[:80]!r} sets nothing; write PLACE=VALUE, as epochs=5.")
    return _full(place.strip()), _value(text.strip())


def _full(place: str) -> str:
    """A place, of which the section may be left out where only one has the name."""
    known = places()
    if place in known:
        return place
    ends = [one for one in known if one.partition(".")[2] == place]
    if len(ends) != 1:
        raise _unknown(place)
    return ends[0]


def _value(text: str) -> Any:
    """JSON where it is, else the text itself; `[28,28]` and `28,28` are a list."""
    try:
        return json.loads(text)
    except ValueError:
        pass
    if "," in text:
        return [_value(part.strip()) for part in text.split(",")]
    return text


def _put(values: dict[str, Any], place: str, value: Any) -> None:
    section, _, name = place.partition(".")
    inside = values.setdefault(section, {})
    if isinstance(inside, dict):
        inside[name] = value


def _unknown(place: str) -> ValidationError:
    near = get_close_matches(place, [*places(), *_names()], n=1)
    hint = f" Did you mean {near[0]}?" if near else ""
    return ValidationError(f"There is no place {place!r} in the configuration.{hint}")


def _names() -> list[str]:
    return [place.partition(".")[2] for place in places()]
