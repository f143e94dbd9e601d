"""What a person writes behind a command: `optimizer=sgd`, `epochs=20`, `epochs=20,40`.

Hydra's grammar reads it, but only a value, or a choice among what is packaged, gets through
(S-26): nothing that adds, deletes or moves a key, configures Hydra, or refers to anything else.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from deepmed.kit.errors import ValidationError

DEFAULTS = "deepmed.features.drawings.training.config.defaults"
_PLACE = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)*")
_MOST_SIGNS = 500


@dataclass(frozen=True)
class Override:
    """A place in the configuration and the values that it takes, one after the other."""

    place: str
    values: tuple[Any, ...]

    @property
    def is_choice(self) -> bool:
        """Whether it names packaged files rather than values."""
        return self.place in groups()


def groups() -> dict[str, list[str]]:
    """The packaged choices, by group: `optimizer` has adam, adamw and sgd."""
    folders = (each for each in files(DEFAULTS).iterdir() if each.is_dir())
    found = {
        folder.name: sorted(
            each.name.removesuffix(".yaml")
            for each in folder.iterdir()
            if each.name.endswith(".yaml")
        )
        for folder in folders
    }
    return {name: choices for name, choices in sorted(found.items()) if choices}


def read_overrides(written: Sequence[str]) -> list[Override]:
    """Understand what was written.

    Raises:
        ValidationError: it is no assignment, reaches beyond the configuration, or names a choice
            that is not packaged.
    """
    return [_read(one) for one in written]


def refuse_many(overrides: Sequence[Override]) -> None:
    """Raises ValidationError where one of them has several values: only a sweep takes those."""
    for one in overrides:
        if len(one.values) != 1:
            raise ValidationError(
                f"{one.place} has {len(one.values)} values; one training takes one. Use "
                "`deepmed drawings training sweep` to try them all."
            )


def _read(written: str) -> Override:
    from hydra.core.override_parser.overrides_parser import (  # noqa: PLC0415 - it loads slowly
        OverridesParser,
    )
    from hydra.core.override_parser.types import OverrideType  # noqa: PLC0415 - likewise
    from hydra.errors import HydraException  # noqa: PLC0415 - likewise

    _refuse_reaching(written)
    try:
        parsed = OverridesParser.create().parse_override(written)
    except HydraException as error:
        reason = str(error).splitlines()[0]
        raise ValidationError(f"{written!r} is not understood: {reason}. {_HOW}") from error
    place = str(parsed.key_or_group)
    assigns = parsed.type is OverrideType.CHANGE and parsed.package is None
    if not assigns or not _PLACE.fullmatch(place):
        raise ValidationError(f"{written!r} is no plain assignment. {_HOW}")
    found = Override(place, tuple(_values(parsed, written)))
    for value in found.values:
        _check(found, value)
    return found


_HOW = "Write PLACE=VALUE, such as optimizer=sgd, epochs=20 or model.hidden_dims=[64,8]."


def _refuse_reaching(written: str) -> None:
    if "${" in written or "$" in written.partition("=")[0] or len(written) > _MOST_SIGNS:
        raise ValidationError(
            f"{written[:80]!r} was not used: values are taken as they are, so '${{' is refused."
        )
    if any(part.startswith("_") for part in re.split(r"[./@]", written.partition("=")[0])):
        raise ValidationError(f"{written[:80]!r} was not used: no name begins with an underscore.")
    if written.startswith("hydra"):
        raise ValidationError(f"{written[:80]!r} was not used: Hydra itself is not configured.")


def _values(parsed: Any, written: str) -> Iterator[Any]:
    if not parsed.is_sweep_override():
        yield _plain(parsed.value(), written)
        return
    if parsed.value_type.name not in {"CHOICE_SWEEP", "SIMPLE_CHOICE_SWEEP", "RANGE_SWEEP"}:
        raise ValidationError(f"{written!r} has no countable values. List them: epochs=20,40.")
    for value in parsed.sweep_iterator():
        yield _plain(value, written)


def _plain(value: Any, written: str) -> Any:
    """In JSON's types; keys of a dictionary would reach past the places that are checked."""
    if isinstance(value, dict):
        raise ValidationError(f"{written!r} is no plain assignment. {_HOW}")
    if isinstance(value, list):
        return [_plain(each, written) for each in value]
    return value if value is None or isinstance(value, bool | int | float) else str(value)


def _check(override: Override, value: Any) -> None:
    if override.is_choice and value not in (choices := groups()[override.place]):
        raise ValidationError(
            f"There is no {override.place} named {value!r}. Choose one of {', '.join(choices)}."
        )
