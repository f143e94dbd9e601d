"""All tables of this installation, whichever slices it holds."""

from importlib import import_module
from importlib.util import find_spec
from pkgutil import iter_modules

from sqlalchemy import MetaData

from deepmed.kit.database import Base


def metadata() -> MetaData:
    """The metadata after every slice's `tables` was imported: a deleted slice is not missed."""
    for area in ("deepmed.core", "deepmed.features"):
        for found in iter_modules(import_module(area).__path__, f"{area}."):
            if found.ispkg and find_spec(f"{found.name}.tables"):
                import_module(f"{found.name}.tables")
    return Base.metadata
