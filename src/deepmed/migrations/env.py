"""What Alembic runs around the steps; it loads this file by its path and calls it `env_py`."""

from typing import Any, Literal

from alembic import context
from alembic.operations.ops import MigrationScript

from deepmed.kit.database import UtcDateTime, open_database
from deepmed.kit.settings import load
from deepmed.migrations.models import metadata


def _render(kind: str, item: Any, renderer: Any) -> str | Literal[False]:
    """Our own type by its short name, for steps that `alembic revision --autogenerate` writes."""
    if kind == "type" and isinstance(item, UtcDateTime):
        renderer.imports.add("from deepmed.kit.database import UtcDateTime")
        return "UtcDateTime()"
    return False


def _drop_empty(_context: Any, _revision: Any, directives: list[MigrationScript]) -> None:
    if directives and directives[0].upgrade_ops and directives[0].upgrade_ops.is_empty():
        directives.clear()


def run() -> None:
    """Migrate over the caller's connection, as SQL text, or by the settings' own database."""
    given: dict[str, Any] = dict(context.config.attributes)
    if context.is_offline_mode():
        context.configure(dialect_name=given["dialect"], literal_binds=True)
        return _migrate()
    if "connection" in given:
        context.configure(connection=given["connection"], transactional_ddl=True)
        return _migrate()
    return _by_settings()


def _by_settings() -> None:
    database = open_database(load().resolved_database_url)
    with database.engine.connect().execution_options(deepmed_write=True) as connection:
        context.configure(
            connection=connection,
            target_metadata=metadata(),
            render_item=_render,
            process_revision_directives=_drop_empty,
            render_as_batch=True,
        )
        _migrate()
    database.close()


def _migrate() -> None:
    with context.begin_transaction():
        context.run_migrations()


if __name__ == "env_py":
    run()
