"""What a database's errors mean to a person. Values never show: they are patients'."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Engine, event
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.exc import (
    DataError,
    DBAPIError,
    IntegrityError,
    InterfaceError,
    InternalError,
    OperationalError,
)
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from deepmed.kit.errors import ResourceError, ValidationError

# MySQL's errors that repeat a value: a taken key, bad SQL (the driver writes values into it), a
# text that is no number, no date, no JSON or not in the character set.
_QUOTED = re.compile(r"'.*'(?= for (?:key|column))|'.*'", re.DOTALL)
_QUOTING = {1062, 1064, 1292, 1300, 1366, 1367, 1411, 1525, 1690, 3140, 3141}
# PyMySQL does not know that these (of MySQL and MariaDB) are a broken check.
_CHECK_BROKEN = {3819, 4025}


@contextmanager
def explained() -> Iterator[None]:
    """Turn what is not the caller's fault into a `ResourceError`, which may be tried again.

    That is a database out of reach, a lock not had in time, a deadlock, a conflict between
    transactions. A broken constraint stays what it is: its caller knows what it means.

    Raises:
        ResourceError: see above; the transaction was undone.
        ValidationError: a value is too long or too large for its column.
        IntegrityError: a constraint was broken.
    """
    try:
        yield
    except (OperationalError, InterfaceError, InternalError, PoolTimeoutError) as error:
        raise ResourceError(
            f"The database cannot be used: {_reason(error)}. The change was undone as a whole. "
            "See that the database runs and no other process keeps it busy, then try again."
        ) from error
    except DataError as error:
        raise ValidationError(
            "A value is too long or too large for the database. Nothing was changed; shorten it."
        ) from error


def tell_errors(engine: Engine) -> None:
    """Let a server's errors be what they are on SQLite, and repeat no value that broke a rule."""
    event.listen(engine, "handle_error", _tell_error, retval=True)


def _tell_error(context: ExceptionContext) -> Exception | None:
    original, wrapped = context.original_exception, context.sqlalchemy_exception
    if not isinstance(wrapped, DBAPIError):
        return None
    if context.dialect.name == "postgresql":
        _hide_in_postgresql(original)
    elif _number(wrapped) in _QUOTING:
        number, text = original.args[0], str(original.args[-1])
        original.args = (number, _QUOTED.sub("(…)", text))
    kind = type(original)
    wrapped.args = (f"({kind.__module__}.{kind.__qualname__}) {original}",)
    if _number(wrapped) in _CHECK_BROKEN:
        return IntegrityError(wrapped.statement, None, original, hide_parameters=True)
    return None


def _hide_in_postgresql(error: Any) -> None:
    """Its first line names the rule, its details the values; of bad data it names the value."""
    lines = str(error).splitlines() or [type(error).__name__]
    bad_data = str(error.sqlstate or "").startswith("22")
    error.args = (f"{lines[0].partition(':')[0]} (…)" if bad_data else lines[0],)


def _number(error: Exception) -> int | None:
    """MySQL's error number."""
    original = getattr(error, "orig", None)
    given = original.args if original is not None else ()
    return given[0] if given and isinstance(given[0], int) else None


def _reason(error: DBAPIError | PoolTimeoutError) -> str:
    if isinstance(error, PoolTimeoutError):
        return "all connections of this process are in use"
    original = error.orig
    # PyMySQL gives a number and a text.
    text = str(original.args[-1] if original is not None and original.args else original)
    lines = text.strip().splitlines()
    return lines[0].rstrip(".") if lines else type(original).__name__
