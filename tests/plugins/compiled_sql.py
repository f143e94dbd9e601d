"""SQL that was compiled for one database serves the next one of its kind.

Thousands of tests open a database of their own. SQLAlchemy keeps what it compiled for each engine
apart, and compiling the same statements anew took a quarter of the time of such tests.
"""

from typing import Any

from sqlalchemy import URL, Engine
from sqlalchemy.engine.default import DefaultDialect
from sqlalchemy.util import LRUCache

from deepmed.kit.database import engine as engines

KEPT = 2000
_compiled: dict[str, LRUCache[Any, Any]] = {}
_made = engines._engine


def _kind(dialect: Any) -> str:
    return type(dialect).__qualname__


def _engine(url: URL) -> Engine:
    engine = _made(url)
    engine._compiled_cache = _compiled.setdefault(_kind(engine.dialect), LRUCache(KEPT))
    return engine


def pytest_configure() -> None:
    """A dialect is part of each key; ours are made alike, and a run has one server of a kind."""
    same = {
        "__hash__": lambda dialect: hash(_kind(dialect)),
        "__eq__": lambda dialect, other: _kind(dialect) == _kind(other),
    }
    for name, method in same.items():
        setattr(DefaultDialect, name, method)
    engines._engine = _engine
