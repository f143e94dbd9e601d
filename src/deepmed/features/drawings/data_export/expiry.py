"""Exports of data go after a day, and as soon as something in them was deleted."""

from datetime import timedelta

from deepmed.core.home import Home
from deepmed.kit.storage import FileStorageService

FOLDER = "data-exports"
KEPT = timedelta(days=1)
LOOK_SECONDS = 600.0
"""The store is far away sometimes, so it is not looked at all the time."""


def folder_of(owner_id: int) -> str:
    return f"{FOLDER}/{owner_id}"


def delete_all(storage: FileStorageService, owner_id: int) -> int:
    """Those of one owner: each holds every drawing of then. Returns how many went."""
    found = list(storage.list_files(folder_of(owner_id)))
    return sum(storage.delete(stored.key) for stored in found)


def delete_old(home: Home) -> int:
    """Those of all owners that are older than a day; returns how many went."""
    return len(home.storage.sweep_orphans((), FOLDER, KEPT))
