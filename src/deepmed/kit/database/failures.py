"""What a database's errors mean to a person. Values never show: they are patients'."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DataError, DBAPIError, InterfaceError, InternalError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from deepmed.kit.errors import ResourceError, ValidationError


@contextmanager
def explained() -> Iterator[None]:
    """Turn what is not the caller's fault into a `ResourceError`, which may be tried again.

    That is a database out of reach, a lock not had in time, a deadlock, a conflict between
    transactions. A broken constraint stays what it is: its caller knows what it means.

    Raises:
        ResourceError: see above; the transaction was undone.
        ValidationError: a value is too long or too large for its column.
    """
    try:
        yield
    except (OperationalError, InterfaceError, InternalError, PoolTimeoutError) as error:
        raise ResourceError(
            f"The database cannot be used: {_reason(error)}. The change was undone as a whole. "
            "See that the database runs and no other process keeps it busy, then try again."
        ) from error
    except DataError as error:  # its own words would quote the value
        raise ValidationError(
            "A value is too long or too large for the database. Nothing was changed; shorten it."
        ) from error


def _reason(error: DBAPIError | PoolTimeoutError) -> str:
    if isinstance(error, PoolTimeoutError):
        return "all connections of this process are in use"
    original = error.orig
    # PyMySQL gives a number and a text.
    text = str(original.args[-1] if original is not None and original.args else original)
    lines = text.strip().splitlines()
    return lines[0].rstrip(".") if lines else type(original).__name__
