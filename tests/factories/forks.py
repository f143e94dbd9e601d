"""Processes that begin as a copy of this one: it has loaded the libraries, which takes seconds.

What is forked shares nothing afterwards and can be killed like any other. Threads are not copied:
whoever has stored a file cannot do so in a fork. For that there is `launching`.
"""

import gc
import os
import sys
import traceback
from collections.abc import Callable
from typing import NoReturn


def begin(work: Callable[[], object]) -> int:
    """Do the work in a child; its process. It ends with 0, or with 1 where an error was raised."""
    child = os.fork()
    return child or _end(work)


def ended(child: int) -> int:
    """How a child ended: its exit code, negative for a signal."""
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def _end(work: Callable[[], object]) -> NoReturn:
    """Without taking down the loaded libraries one by one, and without going on as the parent."""
    gc.freeze()  # what is shared stays shared
    if torch := sys.modules.get("torch"):
        torch.set_num_threads(1)  # the others stayed behind
    try:
        work()
        os._exit(0)
    except BaseException:  # noqa: BLE001 - the edge of a process
        traceback.print_exc()
        os._exit(1)
