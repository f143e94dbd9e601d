"""Exported files are kept for a day; then file and row are gone, of all owners (contract 6)."""

from datetime import timedelta

from deepmed.features.drawings.exports import repository
from deepmed.kit import clock
from deepmed.kit.database import Database
from deepmed.kit.storage import FileStorageService

FOLDER = "exports"
KEPT = timedelta(hours=24)


def delete_expired(database: Database, storage: FileStorageService) -> int:
    """Delete what has expired; returns how many files that were.

    A row goes after its file: where this is stopped between them, the next call finds the row.
    """
    with database.read() as session:
        rows = repository.expired(session, clock.now())
    for row in rows:
        storage.delete(row.file_path)
    if rows:
        with database.write() as session:
            repository.remove(session, [row.id for row in rows])
    return len(rows)
