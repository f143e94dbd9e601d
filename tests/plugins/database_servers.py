"""A PostgreSQL and a MariaDB of the test run's own, in a temporary folder, reached by a socket."""

import json
import os
import pwd
import secrets
import shutil
import subprocess
import sys
import time
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any, ClassVar

from filelock import FileLock

from deepmed.kit.database import Database, open_database
from deepmed.kit.database.migration import upgrade
from deepmed.kit.errors import DeepMedError

KEEPER = Path(__file__).with_name("database_keeper.py")
USER, PASSWORD = "deepmed", "only-for-tests"
TEMPLATE = "deepmed_template"
START_SECONDS = 60


class ServerMissingError(Exception):
    """The server is not installed, or does not start here."""


class Server(ABC):
    """One server for all workers of a run: who needs it first starts it, the others wait."""

    name: ClassVar[str]
    ready: ClassVar[str]
    """What its log says once it takes connections."""
    users: ClassVar[tuple[str, ...]]
    """Whom the server runs as when the tests run as root, which no server wants to."""

    def __init__(self, run: int, folder: Path) -> None:
        self.run, self.shared = run, folder
        self.folder = folder / self.name
        self.data = self.folder / "data"

    @abstractmethod
    def prepare(self) -> None:
        """Make the data folder."""

    @abstractmethod
    def command(self) -> list[str]: ...

    @abstractmethod
    def url(self, database: str) -> str: ...

    @abstractmethod
    def make_template(self) -> None:
        """Remember what a migrated database looks like."""

    @abstractmethod
    def create(self, name: str, *, migrated: bool) -> None: ...

    @abstractmethod
    def drop(self, name: str) -> None: ...

    def start(self) -> None:
        """Start the server, unless this run has it already.

        Raises:
            ServerMissingError: it cannot be had; the same reason for every worker that asks.
        """
        outcome = self.shared / f"{self.name}.outcome"
        with FileLock(self.shared / f"{self.name}.lock"):
            if not outcome.exists():
                outcome.write_text(self._first_start(), encoding="utf-8")
        if reason := outcome.read_text(encoding="utf-8"):
            raise ServerMissingError(reason)

    def new(self, *, migrated: bool = True) -> str:
        name = f"t{secrets.token_hex(6)}"
        self.create(name, migrated=migrated)
        return name

    def _first_start(self) -> str:
        try:
            self.user = _server_user(self.users)
            self.folder.mkdir(mode=0o700)
            self._hand_over(self.folder)
            self.prepare()
            self._launch()
            self.make_template()
        except ServerMissingError as error:
            return str(error)
        except (OSError, subprocess.SubprocessError, DeepMedError) as error:
            return f"{self.name} did not start: {error}. {self._log()}"
        return ""

    def _launch(self) -> None:
        kept = self.shared / f"{self.name}.keeper"
        with (self.shared / f"{self.name}.log").open("ab") as log:
            subprocess.run(
                [sys.executable, str(KEEPER), str(self.run), self.user, str(kept), *self.command()],
                check=True,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        limit = time.monotonic() + START_SECONDS
        while not self._answers():
            if not kept.exists() or time.monotonic() > limit:
                raise ServerMissingError(f"{self.name} did not start: {self._log()}")
            time.sleep(0.05)

    def _answers(self) -> bool:
        return self.ready in (self.shared / f"{self.name}.log").read_text("utf-8", "replace")

    def execute(self, *statements: str, database: str = "") -> None:
        opened = open_database(self.url(database))
        try:
            with opened.engine.connect().execution_options(
                isolation_level="AUTOCOMMIT"
            ) as connection:
                for statement in statements:
                    connection.exec_driver_sql(statement)
        finally:
            opened.close()

    def run_as_server(self, command: list[str], **options: Any) -> None:
        """Run a command as the server's user and keep its output for the log."""
        group = pwd.getpwnam(self.user).pw_gid if self.user else None
        with (self.shared / f"{self.name}.log").open("ab") as log:
            subprocess.run(
                command,
                check=True,
                stdout=log,
                stderr=log,
                user=self.user or None,
                group=group,
                extra_groups=[] if self.user else None,
                cwd=self.folder,
                **options,
            )

    def _hand_over(self, path: Path) -> None:
        if self.user:
            shutil.chown(path, self.user, pwd.getpwnam(self.user).pw_gid)

    def _log(self) -> str:
        log = self.shared / f"{self.name}.log"
        text = log.read_text(encoding="utf-8", errors="replace") if log.exists() else ""
        return " | ".join(text.splitlines()[-3:])


class PostgreSQL(Server):
    name = "postgresql"
    ready = "database system is ready to accept connections"
    users = ("postgres",)
    hint = "PostgreSQL is not here: install the package 'postgresql', or run 'make test' as root"

    def prepare(self) -> None:
        initdb = _program("initdb", "/usr/lib/postgresql/*/bin", self.hint)
        self.postgres = str(Path(initdb).with_name("postgres"))
        password = self.folder / "password"
        password.write_text(PASSWORD, encoding="ascii")
        self._hand_over(password)
        self.run_as_server(
            [
                initdb,
                "--no-sync",
                "--encoding=UTF8",
                "--locale=C.UTF-8",
                "--auth=scram-sha-256",
                f"--username={USER}",
                f"--pwfile={password}",
                f"--pgdata={self.data}",
            ]
        )

    def command(self) -> list[str]:
        settings = {
            "listen_addresses": "",
            "unix_socket_directories": str(self.folder),
            "fsync": "off",
            "full_page_writes": "off",
            "synchronous_commit": "off",
            "shared_buffers": "32MB",
        }
        given = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        return [self.postgres, "-D", str(self.data), *given]

    def url(self, database: str) -> str:
        name = database or "postgres"
        return f"postgresql+psycopg://{USER}:{PASSWORD}@/{name}?host={self.folder}"

    def make_template(self) -> None:
        self.create(TEMPLATE, migrated=False)
        _upgrade(self.url(TEMPLATE), self.shared)

    def create(self, name: str, *, migrated: bool) -> None:
        template = TEMPLATE if migrated else "template0"
        self.execute(f"CREATE DATABASE {name} TEMPLATE {template}")

    def drop(self, name: str) -> None:
        self.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


class MariaDB(Server):
    """The engine behind the URLs that begin with `mysql`."""

    name = "mysql"
    ready = "ready for connections"
    users = ("mysql", "nobody")
    hint = "MariaDB is not here: install 'mariadb-server-core', or run 'make test' as root"

    def prepare(self) -> None:
        """What mariadb-install-db does, which needs more packages than the server itself."""
        self.data.mkdir(mode=0o700)
        self._hand_over(self.data)
        first = self.folder / "first.sql"
        first.write_text(
            f"CREATE USER {USER}@localhost IDENTIFIED BY '{PASSWORD}';\n"
            f"GRANT ALL ON *.* TO {USER}@localhost;\n",
            encoding="ascii",
        )
        self._hand_over(first)
        bootstrap = self.folder / "bootstrap.sql"
        tables = [_system_tables(part) for part in ("tables", "tables_data")]
        lines = ["CREATE DATABASE mysql;", "USE mysql;", "SET @auth_root_socket=NULL;", *tables]
        bootstrap.write_text("\n".join(lines), encoding="utf-8")
        with bootstrap.open("rb") as script:
            self.run_as_server([*self._base(), "--bootstrap"], stdin=script)

    def command(self) -> list[str]:
        return [
            *self._base(),
            "--skip-networking",
            f"--socket={self._socket}",
            f"--pid-file={self.folder / 'pid'}",
            f"--init-file={self.folder / 'first.sql'}",
        ]

    def url(self, database: str) -> str:
        return f"mysql+pymysql://{USER}:{PASSWORD}@localhost/{database}?unix_socket={self._socket}"

    def make_template(self) -> None:
        """The statements that make a migrated database, as the server itself tells them."""
        self.create(TEMPLATE, migrated=False)
        url = self.url(TEMPLATE)
        _upgrade(url, self.shared)
        opened = open_database(url)
        with opened.engine.connect() as connection:
            names = [str(row[0]) for row in connection.exec_driver_sql("SHOW TABLES")]
            made = [
                str(connection.exec_driver_sql(f"SHOW CREATE TABLE {name}").one()[1])
                for name in names
            ]
        opened.close()
        self._statements.write_text(json.dumps({"names": names, "made": made}), encoding="utf-8")

    def create(self, name: str, *, migrated: bool) -> None:
        self.execute(f"CREATE DATABASE {name} CHARACTER SET utf8mb4")
        if not migrated:
            return
        known = json.loads(self._statements.read_text(encoding="utf-8"))
        copies = [f"INSERT INTO {each} SELECT * FROM {TEMPLATE}.{each}" for each in known["names"]]  # noqa: S608 - names of our own tables
        self.execute("SET foreign_key_checks=0", *known["made"], *copies, database=name)

    def drop(self, name: str) -> None:
        self.execute(f"DROP DATABASE IF EXISTS {name}")

    @property
    def _socket(self) -> Path:
        return self.folder / "socket"

    @property
    def _statements(self) -> Path:
        return self.shared / f"{self.name}.template"

    def _base(self) -> list[str]:
        program = _program("mariadbd", "/usr/sbin", self.hint)
        return [
            program,
            "--no-defaults",
            f"--datadir={self.data}",
            "--innodb-flush-method=nosync",
            "--innodb-log-file-size=8M",
            "--innodb-buffer-pool-size=32M",
            "--innodb-file-per-table=0",  # a database of a test is made and dropped faster
        ]


SERVERS: dict[str, type[Server]] = {kind.name: kind for kind in (PostgreSQL, MariaDB)}


def _upgrade(url: str, folder: Path) -> None:
    database: Database = open_database(url)
    try:
        upgrade(database, lock_folder=folder)
    finally:
        database.close()


def _server_user(wanted: tuple[str, ...]) -> str:
    """Empty where the tests do not run as root: then the server runs as they do."""
    if os.geteuid() != 0:
        return ""
    known = {entry.pw_name for entry in pwd.getpwall()}
    found = next((name for name in wanted if name in known), None)
    if found is None:
        raise ServerMissingError(f"no user {wanted[0]!r} here whom the server could run as")
    return found


def _program(name: str, folders: str, hint: str) -> str:
    if path := shutil.which(name):
        return str(Path(path).resolve())
    found = sorted(Path("/").glob(f"{folders.lstrip('/')}/{name}"))
    if not found:
        raise ServerMissingError(hint)
    return str(found[-1])


def _system_tables(part: str) -> str:
    for folder in ("/usr/share/mariadb", "/usr/share/mysql", "/usr/local/share/mariadb"):
        for found in Path(folder).glob(f"m*_system_{part}.sql"):
            return found.read_text(encoding="utf-8")
    raise ServerMissingError("MariaDB's system tables (…_system_tables.sql) were not found")
