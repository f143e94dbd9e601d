import math
from datetime import UTC, datetime
from typing import Any, TypeAlias

from sqlalchemy import (
    JSON,
    DateTime,
    Dialect,
    Double,
    ForeignKey,
    MetaData,
    Row,
    Table,
    TypeDecorator,
)
from sqlalchemy.dialects import mysql
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

__all__ = ["TABLE_OPTIONS", "AnyRow", "Base", "FiniteDouble", "Json", "Owned", "UtcDateTime"]

AnyRow: TypeAlias = Row[*tuple[Any, ...]]
"""A row of some columns, read by their names."""

Json = JSON()

# MySQL and MariaDB: full Unicode, names told apart by case as everywhere else. SQLite: an id that
# was deleted is never given to another object, as the servers' counters keep it.
TABLE_OPTIONS = {
    "mariadb_charset": "utf8mb4",
    "mariadb_collate": "utf8mb4_bin",
    "mariadb_engine": "InnoDB",
    "mysql_charset": "utf8mb4",
    "mysql_collate": "utf8mb4_bin",
    "mysql_engine": "InnoDB",
    "sqlite_autoincrement": True,
}


class UtcDateTime(TypeDecorator[datetime]):
    """A moment with microseconds, stored in UTC and always read back with its zone."""

    impl = DateTime
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> Any:
        if dialect.name in {"mysql", "mariadb"}:
            return dialect.type_descriptor(mysql.DATETIME(fsp=6))
        return dialect.type_descriptor(DateTime(timezone=dialect.name == "postgresql"))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("A moment without a time zone cannot be stored.")
        moment = value.astimezone(UTC)
        return moment if dialect.name == "postgresql" else moment.replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002 - SQLAlchemy's signature
        if value is None:
            return None
        return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)


class FiniteDouble(TypeDecorator[float]):
    """A real number; not-a-number and the infinities are refused on every engine alike.

    PostgreSQL would keep them, MySQL would not, and SQLite would make null of one of them.
    """

    impl = Double
    cache_ok = True

    def process_bind_param(self, value: float | None, dialect: Dialect) -> float | None:  # noqa: ARG002 - SQLAlchemy's signature
        if value is not None and not math.isfinite(value):
            raise ValueError("A number that is not finite cannot be stored.")
        return value


class Base(DeclarativeBase):
    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {  # noqa: RUF012 - SQLAlchemy reads a plain class attribute
        float: FiniteDouble,
        datetime: UtcDateTime,
        dict[str, Any]: Json,
        list[Any]: Json,
    }

    def __init_subclass__(cls, **settings: Any) -> None:
        super().__init_subclass__(**settings)
        if isinstance(table := cls.__dict__.get("__table__"), Table):
            table.dialect_kwargs.update(TABLE_OPTIONS)


class Owned:
    """Every object belongs to somebody; another's object is not found (S-3)."""

    owner_id: Mapped[int] = mapped_column(ForeignKey("owners.id", ondelete="RESTRICT"))
