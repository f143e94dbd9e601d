"""Which artefacts travel to other installations: what a feature says of its kinds, and no other."""

from collections.abc import Iterator, Mapping
from importlib import import_module
from importlib.util import find_spec
from pkgutil import iter_modules
from typing import Any

from deepmed.core.home import Home
from deepmed.kit.errors import ValidationError


def portable_uid(home: Home, uid: str) -> str:
    """The uid of the artefact that travels in the place of one: itself, or a form without names.

    Raises:
        NotFoundError: there is none, or it is another owner's.
        ValidationError: artefacts of its kind do not travel.
    """
    kind = home.registry.find(uid).kind
    for kinds in _of_features():
        if kind in kinds:
            found: str = kinds[kind](home, uid)
            return found
    raise ValidationError(
        f"Artefacts of kind {kind!r} stay where they were made, because they may name people. "
        "Nothing was written."
    )


def _of_features() -> Iterator[Mapping[str, Any]]:
    for found in iter_modules(import_module("deepmed.features").__path__, "deepmed.features."):
        if found.ispkg and find_spec(f"{found.name}.portable"):
            yield import_module(f"{found.name}.portable").PORTABLE
