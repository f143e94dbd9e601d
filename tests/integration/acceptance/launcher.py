"""Starts commands as processes of their own, forked from one that has loaded the libraries.

Loading torch takes longer than most commands. A forked command still has its own arguments,
environment, folder, output and process id, runs the very entry point of the `deepmed` script, and
can be killed like any other. One JSON request a line comes in, one JSON answer goes out.
"""

import gc
import importlib
import json
import os
import sys
import time
import traceback
from collections.abc import Callable
from typing import Any, NoReturn

from PIL import Image
from sqlalchemy.orm import configure_mappers

from deepmed.cli import run
from deepmed.features.drawings.models.config import GroupTrainingConfig
from deepmed.migrations.models import metadata

LOADED_BEFOREHAND = (
    "deepmed.app",
    "deepmed.cli.db",
    "deepmed.cli.drawings",
    "deepmed.cli.entry",
    "deepmed.cli.registry",
    "deepmed.core.jobs.ledger",
    "deepmed.features.drawings.catalogue.sweeping",
    "deepmed.features.drawings.demo.run",
    "deepmed.features.drawings.explanation.service",
    "deepmed.features.drawings.jobs",
    "deepmed.features.drawings.models.age_groups",
    "deepmed.features.drawings.report.rendering",
    "deepmed.features.drawings.runs.reproduce",
    "deepmed.kit.database.migration",
    "deepmed.kit.database.steps",
    "deepmed.learning.encoders.registry",
    "deepmed.learning.encoders.hog_pyramid.encoder",
    "alembic.autogenerate",
    "faiss",
    "mako.template",
    "pygments.lexers.python",
    "rich.table",
    "scipy.stats",
    "sqlalchemy.dialects.sqlite",
)
STEPS = (
    ("deepmed.kit.database.engine", "Database", "write"),
    ("sqlalchemy.orm", "Session", "commit"),
    ("deepmed.kit.storage", "FileStorageService", "put"),
    ("deepmed.kit.storage", "FileStorageService", "delete"),
    ("pathlib", "Path", "replace"),
    ("pathlib", "Path", "rename"),
)
"""Whatever a command leaves behind, it leaves by one of these; a write takes the lock first."""


def main() -> None:
    for name in LOADED_BEFOREHAND:
        importlib.import_module(name)
    metadata()
    configure_mappers()
    Image.preinit()
    gc.freeze()  # what is shared stays shared
    for line in sys.stdin:
        request: dict[str, Any] = json.loads(line)
        action = {"start": start, "wait": wait}[request.pop("action")]
        print(json.dumps(action(**request)), flush=True)  # noqa: T201 - the answer


def start(
    arguments: list[str],
    environment: dict[str, str],
    output: str,
    before: tuple[str, int, int] | None,
    planting: dict[str, int],
) -> int:
    """The id of the new process; it never returns from here in that process.

    Args:
        arguments: of the command line.
        environment: all of it.
        output: standard output goes to this file with `.out`, standard error with `.err`.
        before: beginning of a step's name, n, and the signal that it gives itself just before the
            n-th such step.
        planting: what a training plants where nobody says how much, by the name of the setting.
    """
    child = os.fork()
    if not child:
        os.environ.clear()
        os.environ.update(environment)
        _redirect(output)
        if before is not None:
            _watch(*before)
        _plant(planting)
        sys.argv = ["deepmed", *arguments]
        _end(_code_of_run())
    return child


def _code_of_run() -> int:
    try:
        run()
    except SystemExit as ending:
        return ending.code if isinstance(ending.code, int) else 1
    except BaseException:  # noqa: BLE001 - as the interpreter itself would end it
        traceback.print_exc()
    return 1


def _end(code: int) -> NoReturn:
    """Without taking all of the loaded libraries down one by one, which takes half a second."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def wait(child: int, seconds: float) -> int | None:
    """The exit code, negative for a signal; None where it still runs after so many seconds."""
    end = time.monotonic() + seconds
    while True:
        found, status = os.waitpid(child, os.WNOHANG)
        if found:
            return os.waitstatus_to_exitcode(status)
        if time.monotonic() > end:
            return None
        time.sleep(0.002)


def _redirect(output: str) -> None:
    for ending, descriptor in ((".out", 1), (".err", 2)):
        target = os.open(output + ending, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(target, descriptor)
        os.close(target)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)


def _plant(planting: dict[str, int]) -> None:
    for name, number in planting.items():
        GroupTrainingConfig.model_fields[name].default = number
    if planting:
        GroupTrainingConfig.model_rebuild(force=True)


def _watch(beginning: str, number: int, given: int) -> None:
    count = 0

    def step(name: str) -> None:
        nonlocal count
        if name.startswith(beginning):
            count += 1
            if count == number:
                os.kill(os.getpid(), given)

    for module, owner, method in STEPS:
        _announce(getattr(importlib.import_module(module), owner), method, step)


def _announce(owner: Any, method: str, step: Callable[[str], None]) -> None:
    original = getattr(owner, method)

    def announced(*args: Any, **options: Any) -> Any:
        step(f"{method} {args[1]}" if method in {"put", "delete"} else method)
        return original(*args, **options)

    setattr(owner, method, announced)


if __name__ == "__main__":
    main()
