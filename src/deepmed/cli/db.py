"""`deepmed db …`: the database's shape."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from deepmed.cli.output import JsonFlag, Output

if TYPE_CHECKING:
    from deepmed.kit.database import Database

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    help="Bring the database up to date, or check it. Other commands bring it up to date too.",
)


@contextmanager
def _database() -> Iterator["Database"]:
    """The database as it is: not brought up to date."""
    from deepmed.app import make_folder
    from deepmed.kit.database import open_database
    from deepmed.kit.settings import current

    settings = current()
    make_folder(settings.home)
    database = open_database(settings.resolved_database_url)
    try:
        yield database
    finally:
        database.close()


@app.command()
def upgrade(
    revision: Annotated[str, typer.Argument(help="A step's number, or head.")] = "head",
    as_json: JsonFlag = False,
) -> None:
    """Bring the database up to this program's tables. Nothing happens where it is already."""
    from deepmed.kit.database import migration
    from deepmed.kit.settings import current

    out = Output(as_json)
    with _database() as database:
        before = migration.current(database)
        migration.upgrade(database, revision, lock_folder=current().home)
        after = migration.current(database)
    out.say(f"The database is at step {after}" + (", as before." if before == after else "."))
    out.finish({"before": before, "after": after})


@app.command()
def downgrade(
    revision: Annotated[str, typer.Argument(help="A step's number, or base for none at all.")],
    yes: Annotated[bool, typer.Option("--yes", help="Yes, delete that data.")] = False,
    as_json: JsonFlag = False,
) -> None:
    """Undo the later steps, and delete the data that only they can hold. Make a backup first."""
    from deepmed.kit.database import migration
    from deepmed.kit.errors import ValidationError
    from deepmed.kit.settings import current

    if not yes:
        raise ValidationError(
            "Going back deletes the data that the later steps hold. Nothing was changed. Make a "
            "backup, then repeat the command with --yes."
        )
    out = Output(as_json)
    with _database() as database:
        before = migration.current(database)
        migration.downgrade(database, revision, lock_folder=current().home)
        after = migration.current(database)
    out.say(f"The database is at step {after or 'none'}.")
    out.finish({"before": before, "after": after})


@app.command()
def compare(as_json: JsonFlag = False) -> None:
    """Compare the tables with those of the database in DEEPMED_OTHER_DATABASE_URL.

    Its address comes from the environment, so that no password is in a list of processes. Exit
    code 1 where they differ.
    """
    from deepmed.app import open_home
    from deepmed.core.backups import maintenance

    out = Output(as_json)
    with open_home() as home:
        found = maintenance.compare(home, maintenance.OTHER)
    for line in found.differences:
        out.say(line)
    if not found.differences:
        out.say("Both databases have the same tables.")
    out.finish({"differences": found.differences})
    if found.differences:
        raise typer.Exit(1)


@app.command()
def check(as_json: JsonFlag = False) -> None:
    """Compare the database with this program's tables; exit code 1 where they differ."""
    from deepmed.kit.database import migration

    out = Output(as_json)
    with _database() as database:
        differences = migration.check(database)
        at = migration.current(database)
    for line in differences:
        out.say(line)
    if not differences:
        out.say(f"The database is at step {at} and has the tables that this program needs.")
    out.finish({"revision": at, "differences": differences})
    if differences:
        raise typer.Exit(1)
