"""Which files the rows of a database name: what a backup holds, and what is no orphan."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pkgutil import iter_modules

from sqlalchemy.orm import Session

from deepmed.kit.storage import FileStorageService

Keys = Callable[[Session, FileStorageService], Iterable[str]]


@dataclass(frozen=True)
class OwnedFiles:
    """What a slice keeps in the file store, and beside it.

    Attributes:
        keys: the keys that the session's rows name.
        folders: where everything is an orphan that no slice names.
        working: folders of the data folder, outside of the store, that are in no backup: what is
            in work, or can be had again.
    """

    keys: Keys
    folders: tuple[str, ...] = ()
    working: tuple[str, ...] = ()


def owned_files() -> list[OwnedFiles]:
    """`OWNED` of the module `owned_files` of every slice: a deleted slice is not missed."""
    slices = [
        each.name
        for area in ("deepmed.core", "deepmed.features")
        for each in iter_modules(import_module(area).__path__, f"{area}.")
        if each.ispkg and each.name != __package__
    ]
    with_files = (name for name in slices if find_spec(f"{name}.owned_files"))
    return [import_module(f"{name}.owned_files").OWNED for name in with_files]


def named_keys(session: Session, storage: FileStorageService) -> Iterator[str]:
    """Every key that some row names, each once."""
    told: set[str] = set()
    for owned in owned_files():
        for key in owned.keys(session, storage):
            if key not in told:
                told.add(key)
                yield key
