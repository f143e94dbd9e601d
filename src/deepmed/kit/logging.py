"""Structured logs on standard error; never a secret, a value of a person or a file's content."""

import logging
import re
import sys
from collections.abc import Mapping
from typing import Any

import structlog

MASK = "***"
_SECRET_WORDS = ("password", "passphrase", "secret", "token", "authorization", "cookie", "key")
# The password of a URL such as postgresql://user:password@host/name, up to the last @: a password
# may hold one that nobody escaped.
_URL_PASSWORD = re.compile(r"([a-z][a-z0-9+.-]*://[^\s/:@]*):\S*@", re.IGNORECASE)
_URL_PARAMETER = re.compile(
    rf"([?&][^=&\s]*(?:{'|'.join(_SECRET_WORDS)})[^=&\s]*=)[^&\s]*", re.IGNORECASE
)


def configure(level: str = "warning") -> None:
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            # Before the masking, because a traceback may quote a secret too.
            structlog.processors.format_exc_info,
            mask_secrets,
            structlog.processors.JSONRenderer(default=str),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(
            logging.getLevelNamesMapping()[level.upper()]
        ),
        # Standard error as it is then: who replaces it for a while may close its stand-in.
        logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),
    )


def mask_secrets(
    _logger: Any, _name: str, event: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    """Replace the values of fields whose names speak of a secret, however deep they lie."""
    return {name: _mask(name, value) for name, value in event.items()}


def mask_url(text: str) -> str:
    """The text with the passwords and secret parameters of every URL in it replaced.

    >>> mask_url("postgresql://ann:hunter2@db/deepmed")
    'postgresql://ann:***@db/deepmed'
    """
    return _URL_PARAMETER.sub(rf"\1{MASK}", _URL_PASSWORD.sub(rf"\1:{MASK}@", text))


def _mask(name: str, value: Any) -> Any:
    if any(word in name.lower() for word in _SECRET_WORDS):
        return MASK
    if isinstance(value, Mapping):
        return {key: _mask(str(key), item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_mask("", item) for item in value]
    return mask_url(value) if isinstance(value, str) else value


def get(name: str) -> structlog.typing.FilteringBoundLogger:
    logger: structlog.typing.FilteringBoundLogger = structlog.get_logger(source=name)
    return logger
