"""Exports of data go after a day, and as soon as something in them was deleted."""

import time
from datetime import timedelta

from deepmed.core.home import Home
from deepmed.kit.storage import FileStorageService

FOLDER = "data-exports"
KEPT = timedelta(days=1)
LOOK_SECONDS = 600.0


def folder_of(owner_id: int) -> str:
    return f"{FOLDER}/{owner_id}"


def delete_all(storage: FileStorageService, owner_id: int) -> int:
    """Those of one owner: each holds every drawing of then. Returns how many went."""
    found = list(storage.list_files(folder_of(owner_id)))
    return sum(storage.delete(stored.key) for stored in found)


class DeleteOld:
    """A chore; the store is far away sometimes, so it looks every ten minutes only."""

    def __init__(self) -> None:
        self._next = 0.0

    def __call__(self, home: Home) -> int:
        """Those of all owners that are older than a day; returns how many went."""
        if time.monotonic() < self._next:
            return 0
        self._next = time.monotonic() + LOOK_SECONDS
        return len(home.storage.sweep_orphans((), FOLDER, KEPT))
