"""Engine, session and declarative base; SQL itself lives in each slice's repository."""

from deepmed.kit.database.base import AnyRow, Base, FiniteDouble, Json, Owned, UtcDateTime
from deepmed.kit.database.engine import Database, open_database

__all__ = [
    "AnyRow",
    "Base",
    "Database",
    "FiniteDouble",
    "Json",
    "Owned",
    "UtcDateTime",
    "open_database",
]
