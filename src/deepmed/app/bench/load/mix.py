"""The page mix: which addresses are asked for, how often, and of which things."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from string import Formatter

import numpy as np

from deepmed.kit.errors import ConfigurationError, ValidationError

FILE = Path("bench") / "load.toml"
Things = Mapping[str, Sequence[int]]
"""What a name in braces may stand for."""


@dataclass(frozen=True)
class Get:
    """An address with names in braces, and how often it is asked for beside the others."""

    path: str
    weight: float

    @property
    def names(self) -> list[str]:
        return [name for _, name, _, _ in Formatter().parse(self.path) if name]

    def filled(self, things: Things, random: np.random.Generator) -> str:
        """The address of things that are there; raises ValidationError where there are none."""
        if missing := [name for name in self.names if not things.get(name)]:
            raise ValidationError(
                f"{self.path} asks for {', '.join(missing)}, of which this data folder has none."
            )
        return self.path.format(
            **{name: things[name][int(random.integers(len(things[name])))] for name in self.names}
        )


def read_mix(file: Path) -> list[Get]:
    """The mix of a file.

    Raises:
        ConfigurationError: it cannot be read, or is no mix.
    """
    try:
        given = tomllib.loads(file.read_text(encoding="utf-8"))["get"]
        mix = [Get(str(each["path"]), float(each["weight"])) for each in given]
    except OSError as error:
        raise ConfigurationError(
            f"The page mix {file} cannot be read: {error.strerror}. Nothing was measured. Begin "
            "in DeepMed's own source folder, which has one, or name a file with --mix."
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, LookupError, TypeError) as error:
        raise ConfigurationError(_no_mix(file, f"{type(error).__name__}: {error}")) from error
    except ValueError as error:
        raise ConfigurationError(_no_mix(file, str(error))) from error
    if not mix or min(each.weight for each in mix) <= 0:
        raise ConfigurationError(_no_mix(file, "weights must be above 0"))
    return mix


def _no_mix(file: Path, reason: str) -> str:
    return (
        f"{file} is no page mix ({reason}). Nothing was measured. It needs one [[get]] an address, "
        "with its path and weight."
    )
