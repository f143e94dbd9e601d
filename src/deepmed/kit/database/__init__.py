"""Engine, session and declarative base; SQL itself lives in each slice's repository."""

from deepmed.kit.database.base import AnyRow, Base, FiniteDouble, Json, Owned, UtcDateTime
from deepmed.kit.database.engine import Database, open_database
from deepmed.kit.database.revision import PASSING, kept

__all__ = [
    "PASSING",
    "AnyRow",
    "Base",
    "Database",
    "FiniteDouble",
    "Json",
    "Owned",
    "UtcDateTime",
    "kept",
    "open_database",
]
