"""The database of a benchmark: which one it is, and its rest before anything is timed."""

from typing import Any

from sqlalchemy import Connection, inspect

from deepmed.kit.database import Database

SETTINGS = {
    "postgresql": ("fsync", "full_page_writes", "synchronous_commit", "shared_buffers"),
    "mariadb": ("innodb_buffer_pool_size", "innodb_flush_log_at_trx_commit"),
}
"""What a reader of times must know of a server, by its engine."""


def facts(database: Database) -> dict[str, Any]:
    """Engine, version and the server's settings, as a result file has them."""
    with database.engine.connect() as connection:
        dialect = connection.dialect
        name = "mariadb" if getattr(dialect, "is_mariadb", False) else dialect.name
        return {
            "database": name,
            "database_version": ".".join(map(str, dialect.server_version_info or ())),
            "database_settings": {
                each: _setting(connection, each)
                for each in SETTINGS.get("mariadb" if name == "mysql" else name, ())
            },
        }


def settle(database: Database) -> None:
    """Do at once what a server does by itself within minutes after many rows came.

    Otherwise it would happen while something is timed, or just not yet. SQLite does nothing of
    the kind by itself, so nothing is done there.
    """
    engine = database.engine.execution_options(isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql("VACUUM (ANALYZE)")
        elif connection.dialect.name != "sqlite":
            tables = inspect(connection).get_table_names()
            connection.exec_driver_sql(f"ANALYZE TABLE {', '.join(tables)}").all()


def _setting(connection: Connection, name: str) -> str:
    asked = "SHOW {}" if connection.dialect.name == "postgresql" else "SELECT @@{}"
    return str(connection.exec_driver_sql(asked.format(name)).scalar())
