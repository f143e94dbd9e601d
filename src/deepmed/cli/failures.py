"""What a person sees when a command fails: one line, and an id where we do not know why."""

import json
import re
import sys
import traceback
from pathlib import Path
from typing import Any

import click

from deepmed.cli.output import plain, printable
from deepmed.kit.errors import DeepMedError
from deepmed.kit.ids import new_uid


def report(error: Exception, *, as_json: bool) -> None:
    """Say it on standard error; with `as_json` also as one object on standard output."""
    code, message, error_id = _describe(error)
    _log(code, error_id)
    # A message may quote a file's name, and a name may hold what steers a terminal.
    click.echo(f"Error: {printable(' '.join(message.split()))}", err=True)
    if as_json:
        print_json(code, message, error_id, getattr(error, "details", None))


def _log(code: str, error_id: str) -> None:
    """One line at level info; not the message, which may name a person's file."""
    from deepmed.kit import logging, settings

    try:
        level = settings.current().log_level
    except DeepMedError:
        level = "warning"
    logging.configure(level)
    logging.get("deepmed.cli").info("command failed", code=code, error_id=error_id)


def print_json(
    code: str, message: str, error_id: str | None, details: dict[str, Any] | None = None
) -> None:
    """With details where the error has some: every refused file of a batch, for example."""
    answer = {"code": code, "message": message, "error_id": error_id}
    more = {"details": plain(details)} if details else {}
    click.echo(json.dumps(answer | more))


def _describe(error: Exception) -> tuple[str, str, str]:
    if isinstance(error, DeepMedError):
        return error.code, error.message, error.error_id
    error_id = new_uid()
    if _is_learning_error(error):
        name = type(error).__name__.removesuffix("Error")
        message = str(error) or (type(error).__doc__ or name)
        return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower(), message, error_id
    if _is_outrun(error):
        return "conflict", _outrun(error, error_id), error_id
    return "unexpected", _unexpected(error, error_id), error_id


def _is_learning_error(error: Exception) -> bool:
    # Whoever raised one has imported the module; importing it here would pull in torch.
    module: Any = sys.modules.get("deepmed.learning.errors")
    return module is not None and isinstance(error, module.LearningError)


def _is_outrun(error: Exception) -> bool:
    """The database refused a row: what it refers to went meanwhile, or the same one came."""
    module: Any = sys.modules.get("sqlalchemy.exc")
    return module is not None and isinstance(error, module.IntegrityError)


def _outrun(error: Exception, error_id: str) -> str:
    what = (
        "Another process deleted or changed what this rests on, so the last step was undone as a "
        f"whole, error id {error_id}. "
    )
    return _logged(what, error, error_id, "Run the command again; should it fail again, report")


def _unexpected(error: Exception, error_id: str) -> str:
    what = f"Something unforeseen happened ({type(error).__name__}), error id {error_id}. "
    return _logged(what, error, error_id, "Please report")


def _logged(what: str, error: Exception, error_id: str, then: str) -> str:
    try:
        path = _write_log(error, error_id)
    except OSError as trouble:
        traceback.print_exception(error)
        return f"{what}It could not be logged either: {trouble}."
    return f"{what}Finished work is kept. {then} the details in {path}."


def _write_log(error: Exception, error_id: str) -> Path:
    folder = _home() / "logs"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / f"error-{error_id}.log"
    path.touch(mode=0o600)
    path.write_text("".join(traceback.format_exception(error)), encoding="utf-8")
    return path


def _home() -> Path:
    from deepmed.kit import settings

    try:
        return settings.current().home
    except DeepMedError:
        return settings.default_home()
