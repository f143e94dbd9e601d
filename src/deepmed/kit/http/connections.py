"""A memory for each connection, so that what was found out about its other end is asked once.

The kernel takes milliseconds to list its sockets, and a browser sends many requests through one
connection.
"""

import asyncio
from typing import Any

from starlette.types import Scope
from uvicorn.protocols.http.h11_impl import H11Protocol

_KEY = "deepmed_connection"


class RememberingProtocol(H11Protocol):
    """Puts an empty memory of the connection into the state of all its requests."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)  # type: ignore[arg-type]  # uvicorn's own narrowing
        self.app_state = {**self.app_state, _KEY: {}}


def memory_of(scope: Scope) -> dict[str, Any]:
    """What is known of a request's connection; where nobody remembers, a memory of this request."""
    found: dict[str, Any] = scope.get("state", {}).get(_KEY, {})
    return found
