"""What a child process does: it runs the jobs that come down a pipe, and ends with the pipe.

It begins with nothing but the standard library, so that it watches the pipe before anything heavy
is loaded. One line of JSON comes in for each run, one goes out when the run is over.
"""

import ctypes
import json
import os
import queue
import signal
import sys
import threading
from collections.abc import Callable, Mapping
from io import FileIO
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    from deepmed.core.home import Home
    from deepmed.core.jobs.kinds import JobKind

_PR_SET_PDEATHSIG = 1
ORPHANED = 3
"""Exit code of a child whose parent has gone."""


class Child:
    """A process that works for one supervisor, for one owner at a time."""

    def __init__(self, parent: int) -> None:
        self._stop = threading.Event()
        self._busy = False
        self._inbox: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        self._answers = _private_output()
        _die_with(parent)
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the supervisor's to handle
        signal.signal(signal.SIGTERM, self._asked_to_stop)
        threading.Thread(target=self._watch, name="pipe", daemon=True).start()

    def work(
        self, open_home: Callable[[], "Home"], kinds: Callable[[], Mapping[str, "JobKind"]]
    ) -> None:
        """Run what comes until it is asked to stop; the end of the pipe ends the process."""
        from deepmed.core.jobs.execution import execute  # noqa: PLC0415 - after the pipe is watched
        from deepmed.core.jobs.fencing import Run  # noqa: PLC0415 - likewise

        known = kinds()
        with open_home() as home:
            while not self._stop.is_set():
                run = Run(**self._inbox.get())
                self._busy = True
                outcome = execute(home, known, run, self._stop)
                self._busy = False
                self._answers.write(json.dumps([run.token, outcome.value]) + "\n")
                self._answers.flush()

    def _asked_to_stop(self, _number: int, _frame: Any) -> None:
        self._stop.set()
        if not self._busy:
            os._exit(0)

    def _watch(self) -> None:
        # Unbuffered: Python cannot end while a thread waits inside a buffered standard input.
        for line in FileIO(0, closefd=False):
            self._inbox.put(json.loads(line))
        # The pipe has ended: the supervisor is done with this child, or gone. Whatever is half
        # written is undone by the database.
        os._exit(ORPHANED if self._busy else 0)


def _private_output() -> IO[str]:
    """Standard output for our answers alone; what a job prints goes to the log."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return answers


def _die_with(parent: int) -> None:
    """Where the system can, let it kill us when the parent's thread ends that started us."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it was gone before we had asked
        os._exit(ORPHANED)
