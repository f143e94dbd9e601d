"""A supervisor's children: started when needed, kept warm for a while, and killed for certain."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from deepmed.core.jobs.execution import Outcome
from deepmed.core.jobs.fencing import Run
from deepmed.kit.settings import PREFIX, Settings

TRIES = 5


@dataclass(frozen=True)
class Death:
    """A run that ended without a word."""

    how: str


Report = Callable[[str, Outcome | Death], None]
"""Told the token of a run and what became of it; from any thread."""


class WarmChild:
    """One child process as its parent sees it. It runs one job at a time, all of one owner."""

    def __init__(self, owner_id: int, job_id: int, settings: Settings, report: Report) -> None:
        self.owner_id = owner_id
        self.idle_since = time.monotonic()
        self.run: Run | None = None
        self.dismissed = False
        """Whether it is ending, or soon will be."""
        self._report = report
        self._process = subprocess.Popen(  # noqa: S603 - our own command line
            [sys.executable, "-P", "-m", "deepmed.cli", *_run_of(job_id)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=os.environ | environment_of(settings),
            start_new_session=True,  # a group of its own: Ctrl-C passes it by, a kill takes it all
        )
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None  # noqa: S101 - pipes were asked for
        assert stdout is not None  # noqa: S101 - likewise
        self._pipe, self._answers = stdin, stdout
        _stand_back(self._process.pid, settings.job_niceness)
        threading.Thread(target=self._listen, name="child", daemon=True).start()

    @property
    def pid(self) -> int:
        return self._process.pid

    def take(self, run: Run) -> None:
        """Hand over a run; should the child be dead, `bury` will tell."""
        self.run = run
        self._write(json.dumps(vars(run)) + "\n")

    def ask(self) -> None:
        """Ask it to stop, as soon as its job looks up from its work; it takes no other then."""
        self.dismissed = True
        self._process.terminate()

    def kill(self) -> None:
        """End it and whatever it has started."""
        self._process.kill()
        with contextlib.suppress(ProcessLookupError):  # nobody is left
            os.killpg(self._process.pid, signal.SIGKILL)

    def dismiss(self) -> None:
        """Let an idle child end, which it does when its pipe ends."""
        self.dismissed = True
        with contextlib.suppress(OSError):  # it is dead, and did not read its last line
            self._pipe.close()

    def bury(self) -> bool:
        """Whether it has ended; a run that it had not reported on is reported as dead."""
        code = self._process.poll()
        if code is None:
            return False
        self.kill()  # it may have left helpers of its own
        if self.run is not None:
            self._report(self.run.token, Death(_how(code)))
            self.run = None
        self.dismiss()
        return True

    def wait(self, seconds: float) -> None:
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            self._process.wait()

    def _write(self, line: str) -> None:
        try:
            self._pipe.write(line.encode())
            self._pipe.flush()
        except OSError:
            return  # it is dead, as will be noticed

    def _listen(self) -> None:
        with self._answers as answers:
            for line in answers:
                token, outcome = json.loads(line)
                self.run, self.idle_since = None, time.monotonic()
                self._report(token, Outcome(outcome))


def environment_of(settings: Settings) -> dict[str, str]:
    """The variables that give another process these very settings."""
    given = settings.model_dump(mode="json", include=settings.model_fields_set)
    for name in settings.model_fields_set:
        value = getattr(settings, name)
        if hasattr(value, "get_secret_value"):
            given[name] = value.get_secret_value()
    return {
        f"{PREFIX}{name.upper()}": value if isinstance(value, str) else json.dumps(value)
        for name, value in given.items()
        if value is not None
    }


def _stand_back(pid: int, niceness: int) -> None:
    """Let whoever waits for a page go before a child that computes; its threads follow it.

    A worker that stands back further itself takes its children along. Where Linux shares a machine
    out by session, a process's niceness counts within its session alone, and each child has one of
    its own; so the session stands back too.
    """
    if sys.platform == "win32":
        return  # the system there knows no niceness
    wanted = max(niceness, os.getpriority(os.PRIO_PROCESS, 0))
    with contextlib.suppress(ProcessLookupError):  # it is dead, as will be noticed
        os.setpriority(os.PRIO_PROCESS, pid, wanted)
    _let_session_stand_back(pid, wanted)


def _let_session_stand_back(pid: int, niceness: int) -> None:
    for _ in range(TRIES):
        try:
            Path(f"/proc/{pid}/autogroup").write_text(str(niceness), encoding="ascii")
        except BlockingIOError:
            time.sleep(0.1)  # Linux takes ten changes a second
        except OSError:
            return  # there are no such groups
        else:
            return


def _how(code: int) -> str:
    if code < 0:
        return f"was killed ({signal.Signals(-code).name})"
    return f"ended with code {code}"


def _run_of(job_id: int) -> list[str]:
    return ["job", "run", str(job_id), "--child-of", str(os.getpid())]
