"""`deepmed backup …`: everything at a moment, in one signed file."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from deepmed.cli.output import JsonFlag, Output

if TYPE_CHECKING:
    from deepmed.core.backups.folder import BackupFile
    from deepmed.core.backups.service import BackupService
    from deepmed.core.backups.tables import BackupSchedule

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    help="""Back up everything, check it, go back to it.

    A backup is one state of the database with every file that it names, taken while others go on
    working, and signed by this installation. A passphrase comes from DEEPMED_BACKUP_PASSPHRASE,
    from --key-file or DEEPMED_BACKUP_KEY_FILE, or is asked for; never from an argument, which
    other users of the machine could read.
    """,
)
KeyFile = Annotated[
    Path | None, typer.Option(help="File that holds the passphrase, instead of being asked.")
]
Which = Annotated[str, typer.Argument(help="Name as `deepmed backup list` shows it, or a file.")]
Signer = Annotated[
    Path | None,
    typer.Option(help="Public key (keys/signing.pub) of another installation that you trust."),
]


@app.command()
def create(
    database_only: Annotated[
        bool, typer.Option("--database-only", help="Leave the files out.")
    ] = False,
    encrypt: Annotated[
        bool, typer.Option("--encrypt", help="Ask for a passphrase where none is set.")
    ] = False,
    key_file: KeyFile = None,
    background: Annotated[
        bool, typer.Option("--background", help="Queue it as a job for a worker.")
    ] = False,
    as_json: JsonFlag = False,
) -> None:
    """Back up everything as it is now; nobody has to stop working."""
    out = Output(as_json)
    kind = "database" if database_only else "full"
    if background:
        _submit(out, kind, plain=not encrypt and key_file is None)
        return
    with _service(key_file, ask=encrypt, twice=True) as service, out.progress("Files") as progress:
        made = service.create("database" if database_only else "full", progress=progress)
    out.say(f"{made.file.path} holds {made.manifest.files} files and the database.")
    if not made.file.encrypted:
        out.note("It is not encrypted, so the key that signs models was left out.")
    if made.manifest.lost_files:
        out.note(f"{made.manifest.lost_files} files that rows name were not in the store.")
    out.finish(
        {
            **_summary(made.file),
            "path": made.file.path,
            "files": made.manifest.files,
            "file_bytes": made.manifest.file_bytes,
            "rows": sum(table.rows for table in made.manifest.tables.values()),
            "lost_files": made.manifest.lost_files,
        }
    )


@app.command("list")
def list_backups(as_json: JsonFlag = False) -> None:
    """List backups, newest first."""
    out = Output(as_json)
    with _service() as service:
        found = service.list()
    out.table(
        ["Name", "What", "Bytes", "Made", "Encrypted"],
        [(one.name, one.kind, one.size, one.created, one.encrypted) for one in found],
    )
    if not found:
        out.say("There are no backups yet.")
    out.finish({"backups": [_summary(one) for one in found]})


@app.command()
def verify(
    which: Which, key_file: KeyFile = None, signed_by: Signer = None, as_json: JsonFlag = False
) -> None:
    """Read all of a backup back: every file, every row, and its database's own checks."""
    out = Output(as_json)
    with _service(key_file, which, signed_by) as service, out.progress("Files") as progress:
        checked = service.verify(_path(service, which), progress)
    out.say(
        f"All of it is as it was signed: {checked.rows} rows of {checked.tables} tables, "
        f"{checked.files} files."
    )
    if checked.lost_files:
        out.note(f"{checked.lost_files} files were lost before it was made.")
    out.finish(vars(checked))


@app.command()
def restore(
    which: Which,
    yes: Annotated[bool, typer.Option("--yes", help="Yes, replace what is there now.")] = False,
    key_file: KeyFile = None,
    signed_by: Signer = None,
    keys: Annotated[
        bool,
        typer.Option(
            "--keys", help="Take over the signing key from an encrypted backup, into a new folder."
        ),
    ] = False,
    as_json: JsonFlag = False,
) -> None:
    """Go back to a backup: all of it or nothing. The present state is backed up first.

    No job may be running. What was written since the backup is in the safety backup alone.
    """
    from deepmed.kit.errors import ValidationError

    if not yes:
        raise ValidationError(
            "A restore replaces everything that is there now. Nothing was changed. Repeat the "
            "command with --yes."
        )
    out = Output(as_json)
    with _service(key_file, which, signed_by) as service, out.progress("Files") as progress:
        path = _path(service, which)
        if keys:
            service.adopt_keys(path)
        done = service.restore(path, progress=progress)
    out.say(f"Everything is as it was in {path.name}. The state before is {done.safety_backup}.")
    if done.jobs_cancelled:
        out.note(f"{done.jobs_cancelled} jobs of then were cancelled; see `deepmed job retry`.")
    out.finish({"restored": path.name, **vars(done)})


@app.command()
def delete(name: str, as_json: JsonFlag = False) -> None:
    """Delete a backup."""
    out = Output(as_json)
    with _service() as service:
        gone = service.delete(name)
    out.say(f"{gone.name} was deleted.")
    out.finish(_summary(gone))


@app.command()
def cleanup(as_json: JsonFlag = False) -> None:
    """Delete backups older than 30 days or not among the 10 newest; the newest one stays."""
    out = Output(as_json)
    with _service() as service:
        gone = service.cleanup()
    out.say(f"{len(gone)} backups were deleted.")
    out.finish({"deleted": [one.name for one in gone]})


@app.command()
def schedule(
    hours: Annotated[
        int | None,
        typer.Argument(min=0, help="Hours from one backup to the next; 0 ends it."),
    ] = None,
    database_only: Annotated[
        bool, typer.Option("--database-only", help="Leave the files out.")
    ] = False,
    as_json: JsonFlag = False,
) -> None:
    """Show or set how often a worker makes a backup; old ones are cleaned up with each.

    `deepmed serve` has a worker. Without a passphrase in the settings they are not encrypted.
    """
    from deepmed.app import open_home
    from deepmed.core.backups import schedule as schedules

    out = Output(as_json)
    with open_home() as home:
        if hours is None:
            row = schedules.current(home)
        else:
            row = schedules.set_interval(home, hours, include_files=not database_only)
    out.say(_schedule_line(row))
    out.finish(
        {
            "interval_hours": row.interval_hours if row else None,
            "include_files": row.include_files if row else None,
            "next_at": row.next_at if row else None,
        }
    )


@app.command()
def drill(
    key_file: KeyFile = None,
    encrypt: Annotated[
        bool, typer.Option("--encrypt", help="Ask for a passphrase where none is set.")
    ] = False,
    as_json: JsonFlag = False,
) -> None:
    """Prove on a copy that a restore brings back what was committed; measures how long it takes.

    The copy is made in a folder of its own beside the backups, and deleted at the end: nothing
    here is changed. While its backup is made others write to the copy; afterwards every table and
    file of the restored copy is compared with the last state committed before the backup. Exit
    code 1 where anything differs.
    """
    from deepmed.app.drill import run_drill

    out = Output(as_json)
    with _service(key_file, ask=encrypt, twice=True) as service:
        report = run_drill(service)
    out.table(["", ""], [(name.replace("_", " "), value) for name, value in _shown(vars(report))])
    for line in report.differences:
        out.say(line)
    out.say("The restored copy is what was backed up." if report.ok else "The copy differs.")
    out.finish({**vars(report), "ok": report.ok})
    if not report.ok:
        raise typer.Exit(1)


def _shown(fields: dict[str, Any]) -> list[tuple[str, Any]]:
    return [(name, value) for name, value in fields.items() if name != "differences"]


@contextmanager
def _service(
    key_file: Path | None = None,
    which: str | None = None,
    signed_by: Path | None = None,
    *,
    ask: bool = False,
    twice: bool = False,
) -> Iterator["BackupService"]:
    from deepmed.app import open_home
    from deepmed.core.backups.passphrases import passphrase_of, read_key_file
    from deepmed.core.backups.service import BackupService

    with open_home() as home:
        trusted = [signed_by.read_bytes()] if signed_by else []
        passphrase = read_key_file(key_file) if key_file else passphrase_of(home.settings)
        service = BackupService(home, passphrase, trusted)
        if passphrase is None and (ask or (which and _is_sealed(service, which))):
            service = BackupService(home, _ask(twice=twice), trusted)
        yield service


def _is_sealed(service: "BackupService", which: str) -> bool:
    from deepmed.core.backups.sealing import is_sealed_file

    return is_sealed_file(_path(service, which))


def _ask(*, twice: bool) -> str:
    from deepmed.core.backups.passphrases import check_passphrase

    given: str = typer.prompt(
        "Passphrase of the backup", hide_input=True, confirmation_prompt=twice, err=True
    )
    return check_passphrase(given)


def _path(service: "BackupService", which: str) -> Path:
    """A file of the user's choice, or one of the folder."""
    path = Path(which).expanduser()
    return path if path.is_file() else service.find(which).path


def _submit(out: Output, kind: str, *, plain: bool) -> None:
    from deepmed.app import open_home
    from deepmed.app.kinds import job_kinds
    from deepmed.core.backups.schedule import KIND
    from deepmed.core.jobs.ledger import JobLedger
    from deepmed.kit.errors import ValidationError

    if not plain:
        raise ValidationError(
            "A job takes its passphrase from DEEPMED_BACKUP_PASSPHRASE or DEEPMED_BACKUP_KEY_FILE "
            "of its worker alone. Nothing was queued; set one of them and leave the option."
        )
    with open_home() as home:
        job = JobLedger.of(home, job_kinds()).submit(KIND, {"kind": kind})
    out.say(f"Job {job.id} makes the backup; see `deepmed job show {job.id}`.")
    out.finish({"job_id": job.id})


def _schedule_line(row: "BackupSchedule | None") -> str:
    if row is None:
        return "No backups are made by the clock."
    what = "Everything" if row.include_files else "The database"
    return (
        f"{what} is backed up every {row.interval_hours} hours while a worker runs, next at "
        f"{row.next_at:%Y-%m-%d %H:%M} UTC."
    )


def _summary(file: "BackupFile") -> dict[str, Any]:
    return {
        "name": file.name,
        "kind": file.kind,
        "size_bytes": file.size,
        "created": file.created,
        "encrypted": file.encrypted,
    }
