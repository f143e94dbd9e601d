"""Nothing connects outward unless a setting names the host (S-25)."""

import os
import socket
import sys
from typing import Any

OPT_OUTS = {
    "DO_NOT_TRACK": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HUB_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "FLWR_TELEMETRY_ENABLED": "0",
    "RAY_USAGE_STATS_ENABLED": "0",
    "ANONYMIZED_TELEMETRY": "False",
}
GUARD_VARIABLE = "DEEPMED_SOCKET_GUARD"
_EVENTS = {"socket.connect", "socket.sendto", "socket.sendmsg", "socket.getaddrinfo"}


class OutwardConnectionError(RuntimeError):
    """A connection to another machine was attempted and stopped by the socket guard."""


def apply() -> None:
    """Set the opt-outs of libraries, and the socket guard where the environment asks for it.

    Both live in environment variables, so every child process inherits them. An operator who
    sets one of the variables beforehand (to reach a hub, for example) keeps the last word.
    """
    for name, value in OPT_OUTS.items():
        os.environ.setdefault(name, value)
    if os.environ.get(GUARD_VARIABLE) == "1":
        guard_sockets()


def guard_sockets() -> None:
    """Refuse every connection and name look-up that would leave this machine.

    An audit hook sees the calls of every library, C extensions that use Python's sockets
    included, and cannot be taken off again within the process.
    """
    if not getattr(sys, "_deepmed_socket_guard", False):
        sys._deepmed_socket_guard = True  # type: ignore[attr-defined]  # noqa: SLF001 - marks the process, whatever reloads this module
        sys.addaudithook(_refuse_outward)


def _refuse_outward(event: str, args: tuple[Any, ...]) -> None:
    if event not in _EVENTS:
        return
    host = args[0] if event == "socket.getaddrinfo" else _host_of(args)
    if not _stays_here(host):
        raise OutwardConnectionError(
            f"A connection to {host!r} was stopped: the socket guard allows this machine only."
        )


def _host_of(args: tuple[Any, ...]) -> Any:
    connection, address = args[0], args[1]
    if getattr(connection, "family", None) == getattr(socket, "AF_UNIX", None):
        return None
    return address[0] if isinstance(address, tuple) and address else None


def _stays_here(host: Any) -> bool:
    if host is None:
        return True
    name = host.decode() if isinstance(host, bytes) else str(host)
    return name in {"", "localhost", "::1", "0.0.0.0", "::"} or name.startswith("127.")  # noqa: S104 - compared, not bound
