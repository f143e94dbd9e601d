"""What kinds of jobs this installation can run: the slices' own, and plug-ins' (P-12)."""

from collections.abc import Iterator
from importlib import import_module
from importlib.util import find_spec
from pkgutil import iter_modules

from deepmed.core.jobs.kinds import JobKind
from deepmed.kit.errors import ConfigurationError
from deepmed.kit.plug_ins import entry_points

ENTRY_POINT_GROUP = "deepmed.jobs"
"""An entry point's object is a sequence of kinds."""


def job_kinds() -> dict[str, JobKind]:
    """All kinds by name: `KINDS` of every slice's `jobs` module, and those of every plug-in.

    Raises:
        ConfigurationError: two of them have the same name.
    """
    kinds: dict[str, JobKind] = {}
    for kind in (*_of_slices("features"), *_of_slices("core"), *_of_plug_ins()):
        if kind.name in kinds:
            raise ConfigurationError(
                f"Two kinds of jobs are named {kind.name!r}, so nothing was started. Remove one "
                "of the packages that bring them."
            )
        kinds[kind.name] = kind
    return kinds


def _of_slices(area: str) -> Iterator[JobKind]:
    folder = import_module(f"deepmed.{area}").__path__
    for found in iter_modules(folder, f"deepmed.{area}."):
        if found.ispkg and find_spec(f"{found.name}.jobs"):
            yield from import_module(f"{found.name}.jobs").KINDS


def _of_plug_ins() -> Iterator[JobKind]:
    for point in entry_points(group=ENTRY_POINT_GROUP):
        yield from point.load()
