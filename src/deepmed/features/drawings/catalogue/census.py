"""What one owner's drawings take of the file store."""

import time
from dataclasses import dataclass
from threading import Lock
from typing import Any

from deepmed.features.drawings.catalogue import repository
from deepmed.kit.database import Database
from deepmed.kit.storage import FileStorageService

FOLDERS = {"uploads": "uploads/drawings", "static": "explanations"}
"""The contract's names of the folders, and where they are."""
FRESH_SECONDS = 30.0
"""Listing a store far away takes seconds, so a listing serves for this long."""


@dataclass(frozen=True)
class FolderCount:
    file_count: int = 0
    total_size_bytes: int = 0

    def to_dict(self) -> dict[str, Any]:
        return {
            "exists": self.file_count > 0,
            "file_count": self.file_count,
            "total_size_bytes": self.total_size_bytes,
            "total_size_mb": round(self.total_size_bytes / 2**20, 2),
        }


class StoreCensus:
    """Counts the files that the owner's rows name; another owner's are not told."""

    def __init__(self, database: Database, storage: FileStorageService, owner_id: int) -> None:
        self._database = database
        self._storage = storage
        self._owner_id = owner_id
        self._lock = Lock()
        self._counts: dict[str, FolderCount] = {}
        self._counted_at = -FRESH_SECONDS

    def folders(self) -> dict[str, FolderCount]:
        """Files and bytes by the contract's name of the folder, at most half a minute old."""
        with self._lock:
            if not self._counts or time.monotonic() - self._counted_at >= FRESH_SECONDS:
                self._counts = self._count()
                self._counted_at = time.monotonic()
            return self._counts

    def _count(self) -> dict[str, FolderCount]:
        with self._database.read() as session:
            mine = repository.own_files(session, self._owner_id)
        return {name: self._count_folder(folder, mine[name]) for name, folder in FOLDERS.items()}

    def _count_folder(self, folder: str, mine: set[str]) -> FolderCount:
        sizes = [file.size for file in self._storage.list_files(folder) if file.key in mine]
        return FolderCount(len(sizes), sum(sizes))
