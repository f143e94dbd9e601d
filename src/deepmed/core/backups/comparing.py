"""Whether two states of an installation are the same: every row and every file."""

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256

from sqlalchemy import select

from deepmed.core.audit.tables import AuditEvent
from deepmed.core.backups import repository, streams
from deepmed.core.backups.owned_files import named_keys
from deepmed.core.home import Home
from deepmed.kit.database import Base
from deepmed.kit.database.revision import DataRevision
from deepmed.kit.errors import NotFoundError
from deepmed.kit.storage import FileStorageService


@dataclass(frozen=True)
class TableState:
    rows: int
    sha256: str


@dataclass(frozen=True)
class State:
    """The hash of every table's rows, and of every file that they name.

    Lines that came to the audit trail later, jobs that a restore cancels, and the name that each
    change gives to the data are left out: they are meant to differ.
    """

    tables: dict[str, TableState]
    files: dict[str, str]
    last_event: int
    unfinished_jobs: frozenset[int]


def state_of(home: Home, like: State | None = None) -> State:
    """The present state; `like` says what is left out, so that both are comparable."""
    with home.database.read() as session:
        last = (
            like.last_event
            if like
            else session.scalar(select(AuditEvent.id).order_by(AuditEvent.id.desc()).limit(1)) or 0
        )
        jobs = like.unfinished_jobs if like else frozenset(repository.unfinished_jobs(session))
        tables = {
            table.name: TableState(
                *streams.digest(session.connection(), table, only=_kept(table.name, last, jobs))
            )
            for table in Base.metadata.sorted_tables
            if table.name != DataRevision.__tablename__
        }
        files = {key: _hash(home.storage, key) for key in named_keys(session, home.storage)}
    return State(tables, files, last, jobs)


def differences(before: State, after: State) -> list[str]:
    """In words, one a table and one a file; nothing where both are the same."""
    found = [
        f"{name}: {told.rows} rows before, {after.tables[name].rows} after, with other contents."
        for name, told in before.tables.items()
        if after.tables[name] != told
    ]
    keys = sorted(before.files.keys() | after.files.keys())
    return found + [
        f"{key} is another file, or on one side only."
        for key in keys
        if before.files.get(key) != after.files.get(key)
    ]


def _kept(table: str, last: int, jobs: frozenset[int]) -> Callable[[streams.Row], bool]:
    def kept(row: streams.Row) -> bool:
        if table == "audit_events":
            return bool(row[0] <= last)
        if table == "jobs":
            return row[0] not in jobs
        return table != "job_events" or row[1] not in jobs

    return kept


def _hash(storage: FileStorageService, key: str) -> str:
    told = sha256()
    try:
        for piece in storage.stream(key):
            told.update(piece)
    except NotFoundError:
        return "missing"
    return told.hexdigest()
