"""Nothing connects outward unless a setting names the host (S-25)."""

import ipaddress
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
    "FLWR_DISABLE_UPDATE_CHECK": "1",
    "RAY_USAGE_STATS_ENABLED": "0",
    "ANONYMIZED_TELEMETRY": "False",
}
GUARD_VARIABLE = "DEEPMED_SOCKET_GUARD"
GUARD_LOG_VARIABLE = "DEEPMED_SOCKET_GUARD_LOG"
_ADDRESS_EVENTS = {"socket.connect", "socket.sendto", "socket.sendmsg"}
_NAME_EVENTS = {"socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr"}
_LOCAL_NAMES = {"", "localhost", "ip6-localhost", "ip6-loopback"}
# Families that never leave the machine; any other that is not IP is refused.
_LOCAL_FAMILIES = {
    getattr(socket, name) for name in ("AF_UNIX", "AF_NETLINK", "AF_ALG") if hasattr(socket, name)
}


class OutwardConnectionError(RuntimeError):
    """A connection to another machine was attempted and stopped by the socket guard.

    Not an OSError on purpose: libraries swallow those and try the next address.
    """


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

    An audit hook sees the calls of every library that uses Python's sockets, asyncio included,
    and cannot be taken off again within the process. It does not see sockets opened by native
    code, such as obstore's: those connect only to the host that a setting names.

    With `DEEPMED_SOCKET_GUARD_LOG` each attempt is also written to that file, because a library
    may swallow the error.
    """
    if not getattr(sys, "_deepmed_socket_guard", False):
        sys._deepmed_socket_guard = True  # type: ignore[attr-defined]  # noqa: SLF001 - marks the process, whatever reloads this module
        sys.addaudithook(_refuse_outward)


def _refuse_outward(event: str, args: tuple[Any, ...]) -> None:
    if event in _ADDRESS_EVENTS:
        host = _host_of(args[0], args[1])
    elif event in _NAME_EVENTS:
        host = args[0]
    elif event == "socket.getnameinfo":
        host = args[0][0]
    else:
        return
    if not _stays_here(host):
        _log_attempt(event, host)
        raise OutwardConnectionError(
            f"A connection to {host!r} was stopped: the socket guard allows this machine only."
        )


def _host_of(connection: Any, address: Any) -> Any:
    """The host of an IP address; None where the address cannot lead to another machine."""
    if address is None or connection.family in _LOCAL_FAMILIES:
        return None
    return address[0] if isinstance(address, tuple) and address else address


def _stays_here(host: Any) -> bool:
    if host is None:
        return True
    name = host.decode(errors="replace") if isinstance(host, bytes) else str(host)
    if name.lower() in _LOCAL_NAMES:
        return True
    try:
        address = ipaddress.ip_address(name.partition("%")[0])
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None) or address
    return bool(mapped.is_loopback or mapped.is_unspecified)


def _log_attempt(event: str, host: Any) -> None:
    path = os.environ.get(GUARD_LOG_VARIABLE)
    if path:
        with open(path, "a", encoding="utf-8") as log:  # noqa: PTH123 - pathlib would slow every start
            log.write(f"{os.getpid()} {event} {host!r}\n")
