"""The command line as a test uses it: a data folder, commands, their answers and their deaths."""

import itertools
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from factories.launching import Forked, launcher, planting
from factories.servers import PROMPT

LONGEST = 270.0
OURS = ("DEEPMED_HOME", "DEEPMED_SETTINGS", "DEEPMED_DATABASE_URL", "DEEPMED_STORAGE_URL")
FEW = {"planted_sources": 2, "comparison_drawings": 20}
"""Of a training that was asked for without any number, where nobody looks at what it measured."""

LOADED = (
    "deepmed.cli.db",
    "deepmed.cli.drawings",
    "deepmed.cli.registry",
    "deepmed.features.drawings.catalogue.sweeping",
    "deepmed.features.drawings.demo.run",
    "deepmed.features.drawings.explanation.service",
    "deepmed.features.drawings.models.age_groups",
    "deepmed.features.drawings.report.rendering",
    "deepmed.features.drawings.runs.reproduce",
    "deepmed.learning.encoders.hog_pyramid.encoder",
    "alembic.autogenerate",
    "factories.planting",
    "faiss",
    "mako.template",
    "pygments.lexers.python",
    "rich.table",
    "scipy.stats",
    "sqlalchemy.dialects.sqlite",
)
"""What commands ask for: loaded once, and not by each of them."""

_numbers = itertools.count()


@dataclass(frozen=True)
class Answer:
    """What a finished command said; `code` is negative where a signal ended it."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


def environment(home: Path, **more: str) -> dict[str, str]:
    """That of this process, for another data folder and with one computing thread."""
    kept = {name: value for name, value in os.environ.items() if name not in OURS}
    return {**kept, **PROMPT, "OMP_NUM_THREADS": "1", "DEEPMED_HOME": str(home), **more}


class Command:
    """A command on its way."""

    def __init__(self, process: Forked, output: Path) -> None:
        self._process = process
        self._output = output

    def wait(self, seconds: float = LONGEST) -> Answer:
        try:
            code = self._process.wait(seconds)
        except subprocess.TimeoutExpired as error:
            self._process.kill()
            raise TimeoutError(f"still running after {seconds} s:\n{self._read('.err')}") from error
        return Answer(code, self._read(".out"), self._read(".err"))

    @property
    def state(self) -> str:
        """As the system tells it: R and S run or wait, T is stopped, Z has ended."""
        status = Path(f"/proc/{self._process.pid}/stat").read_text(encoding="utf-8")
        return status.rpartition(")")[2].split()[0]

    def go_on(self) -> Answer:
        self.send(signal.SIGCONT)
        return self.wait()

    def send(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    def _read(self, ending: str) -> str:
        return Path(f"{self._output}{ending}").read_text(encoding="utf-8")


class Home:
    """A data folder and the commands that work on it.

    Args:
        folder: the data folder.
        planting: what its trainings plant, where that is not as much as a user's.
    """

    def __init__(self, folder: Path, planting: Mapping[str, int] = FEW) -> None:
        self.folder = folder
        self._planting = planting

    @property
    def database(self) -> str:
        return f"file:{self.folder / 'deepmed.db'}?mode=ro"

    def copy(self, folder: Path) -> "Home":
        """The same data at another place."""
        shutil.copytree(self.folder, folder)
        return Home(folder, self._planting)

    def start(
        self,
        *arguments: object,
        before: tuple[str, int, signal.Signals] | None = None,
        **variables: str,
    ) -> Command:
        output = self.folder.with_name(f"{self.folder.name}-{next(_numbers)}")
        if self._planting:
            variables |= planting(self._planting)
        if before is not None:
            variables["BEFORE"] = json.dumps(before)
        with (
            Path(os.devnull).open("rb") as nothing,
            Path(f"{output}.out").open("wb") as out,
            Path(f"{output}.err").open("wb") as err,
        ):
            process = Forked(
                launcher(),
                [str(argument) for argument in arguments],
                files=[one.fileno() for one in (nothing, out, err)],
                environment=environment(self.folder, **variables),
                load=LOADED,
                program="deepmed.cli" if before is None else "integration.acceptance.watched",
            )
        return Command(process, output)

    def run(self, *arguments: object, **variables: str) -> Answer:
        return self.start(*arguments, **variables).wait()

    def do(self, *arguments: object, **variables: str) -> Any:
        """The JSON of a command that must succeed."""
        answer = self.run(*arguments, "--json", **variables)
        assert answer.code == 0, answer.out + answer.err
        return answer.json

    def die(self, before: str, number: int, *arguments: object) -> None:
        """Run a command that is killed before the n-th of its durable steps of this name."""
        answer = self.start(*arguments, before=(before, number, signal.SIGKILL)).wait()
        assert answer.code == -signal.SIGKILL, answer.out + answer.err

    def pause(self, before: str, number: int, *arguments: object) -> Command:
        """A command that stopped before the n-th of its steps of this name, until it is sent on."""
        command = self.start(*arguments, before=(before, number, signal.SIGSTOP))
        assert until(lambda: command.state == "T"), command.wait().err
        return command

    def query(self, statement: str) -> list[tuple[Any, ...]]:
        """Rows of the database, read from outside."""
        with closing(sqlite3.connect(self.database, uri=True)) as database:
            return database.execute(statement).fetchall()

    def change(self, statement: str) -> None:
        """Change the database behind the program's back."""
        with closing(sqlite3.connect(self.folder / "deepmed.db")) as database, database:
            database.execute(statement)

    def count(self, table: str) -> int:
        number: int = self.query(f"SELECT count(*) FROM {table}")[0][0]  # noqa: S608 - our tables
        return number

    def files(self, below: str = "files") -> set[str]:
        """Everything in a part of the data folder, by its path in there."""
        root = self.folder / below
        return {path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()}


def drawings_named(home: Home, uid: str) -> set[int]:
    """Every drawing that a model's files name."""
    folder = home.folder.with_name(f"{home.folder.name}-{uid}")
    home.do("registry", "copy", uid, folder)
    items = json.loads((folder / "items.json").read_text(encoding="utf-8"))
    header = json.loads((folder / "reference.json").read_text(encoding="utf-8"))
    halves = [header["model"], header["twin"] or [], *items.values()]
    return {row["drawing"] for half in halves for row in half}


def until(condition: Callable[[], bool], seconds: float = 30.0) -> bool:
    """Look again and again, without a pause worth naming; whether it came true in time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            if condition():
                return True
        except (sqlite3.OperationalError, OSError):  # the database is not made yet
            pass
        time.sleep(0.0005)
    return False


def fresh_process(home: Path, arguments: Sequence[object], **variables: str) -> Answer:
    """A command started as a person starts it, libraries and all."""
    done = subprocess.run(
        [sys.executable, "-m", "deepmed.cli", *map(str, arguments)],
        env=environment(home, **variables),
        capture_output=True,
        text=True,
        check=False,
        timeout=LONGEST,
    )
    return Answer(done.returncode, done.stdout, done.stderr)
