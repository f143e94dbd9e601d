"""Who sent a request, and what that person may do."""

from dataclasses import dataclass
from enum import IntEnum

from starlette.requests import HTTPConnection

_KEY = "deepmed_caller"


class Role(IntEnum):
    """What a person may do; each role may do what those below it may (S-2)."""

    VIEWER = 1
    ANNOTATOR = 2
    ANALYST = 3
    OPERATOR = 4
    ADMINISTRATOR = 5


@dataclass(frozen=True)
class Caller:
    """Whose objects a request sees, and with which role."""

    owner_id: int
    name: str
    role: Role


def set_caller(connection: HTTPConnection, caller: Caller) -> None:
    """Called by the one middleware that decides who is asking."""
    connection.scope[_KEY] = caller


def caller_of(connection: HTTPConnection) -> Caller:
    """The caller of an HTTP request or a WebSocket, as a dependency or called directly."""
    found: Caller = connection.scope[_KEY]
    return found
