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

from factories.servers import PROMPT

LAUNCHER = Path(__file__).with_name("launcher.py")
LONGEST = 270.0
OURS = ("DEEPMED_HOME", "DEEPMED_SETTINGS", "DEEPMED_DATABASE_URL", "DEEPMED_STORAGE_URL")
FEW = {"planted_sources": 2, "comparison_drawings": 20}
"""Of a training that was asked for without any number, where nobody looks at what it measured."""

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


class Launcher:
    """The process that forks commands; see launcher.py."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, str(LAUNCHER)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
        )

    def ask(self, action: str, **request: Any) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"action": action, **request}) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())

    def close(self) -> None:
        self._process.communicate()


class Command:
    """A command on its way."""

    def __init__(self, launcher: Launcher, child: int, output: Path) -> None:
        self._launcher = launcher
        self._output = output
        self.child = child

    def wait(self, seconds: float = LONGEST) -> Answer:
        code = self._launcher.ask("wait", child=self.child, seconds=seconds)
        if code is None:
            os.kill(self.child, signal.SIGKILL)
            self._launcher.ask("wait", child=self.child, seconds=seconds)
            raise TimeoutError(f"still running after {seconds} s:\n{self._read('.err')}")
        return Answer(code, self._read(".out"), self._read(".err"))

    @property
    def state(self) -> str:
        """As the system tells it: R and S run or wait, T is stopped, Z has ended."""
        status = Path(f"/proc/{self.child}/stat").read_text(encoding="utf-8")
        return status.rpartition(")")[2].split()[0]

    def go_on(self) -> Answer:
        self.send(signal.SIGCONT)
        return self.wait()

    def send(self, number: signal.Signals) -> None:
        os.kill(self.child, number)

    def _read(self, ending: str) -> str:
        return Path(f"{self._output}{ending}").read_text(encoding="utf-8")


class Home:
    """A data folder and the commands that work on it.

    Args:
        folder: the data folder.
        launcher: starts the commands.
        planting: what its trainings plant, where that is not as much as a user's.
    """

    def __init__(self, folder: Path, launcher: Launcher, planting: Mapping[str, int] = FEW) -> None:
        self.folder = folder
        self._launcher = launcher
        self._planting = dict(planting)

    @property
    def database(self) -> str:
        return f"file:{self.folder / 'deepmed.db'}?mode=ro"

    def copy(self, folder: Path) -> "Home":
        """The same data at another place."""
        shutil.copytree(self.folder, folder)
        return Home(folder, self._launcher, self._planting)

    def start(
        self,
        *arguments: object,
        before: tuple[str, int, signal.Signals] | None = None,
        **variables: str,
    ) -> Command:
        output = self.folder.with_name(f"{self.folder.name}-{next(_numbers)}")
        child = self._launcher.ask(
            "start",
            arguments=[str(argument) for argument in arguments],
            environment=environment(self.folder, **variables),
            output=str(output),
            before=before,
            planting=self._planting,
        )
        return Command(self._launcher, child, output)

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
