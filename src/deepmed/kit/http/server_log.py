"""What libraries say goes into our log, in its form, and without the values an error may quote."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from deepmed.kit.http.problems import frames
from deepmed.kit.logging import get


class ForwardToOurs(logging.Handler):
    """Turns a record of the standard library's logging into a line of ours."""

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        found = {"error_type": type(error).__name__, "where": frames(error)} if error else {}
        log = get(record.name)
        write = log.error if record.levelno >= logging.ERROR else log.warning
        # The text as it was written in the program; its arguments may be a person's values.
        write(str(record.msg), **found)


@contextmanager
def forwarded_warnings() -> Iterator[None]:
    """Forward warnings and errors, as long as this lasts."""
    handler = ForwardToOurs(logging.WARNING)
    logging.getLogger().addHandler(handler)
    try:
        yield
    finally:
        logging.getLogger().removeHandler(handler)
