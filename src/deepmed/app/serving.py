"""From an open data folder to a running server on this machine."""

import asyncio
import secrets
import signal
import socket
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from functools import partial
from ipaddress import ip_address
from types import FrameType
from typing import Literal

import uvicorn
from fastapi import FastAPI
from starlette.types import ASGIApp

from deepmed.app.choice import Say, served_settings
from deepmed.app.chores import chores
from deepmed.app.kinds import job_kinds
from deepmed.app.opening import open_home
from deepmed.app.push import PushPort
from deepmed.app.server import create_app
from deepmed.core.home import Home
from deepmed.core.jobs.kinds import JobKind
from deepmed.core.jobs.supervisor import Supervisor
from deepmed.kit.errors import ConfigurationError
from deepmed.kit.http.connections import RememberingProtocol
from deepmed.kit.http.peer import can_tell_users, peer_uid
from deepmed.kit.http.server_log import forwarded_warnings
from deepmed.kit.memory import Settling, share_heaps
from deepmed.kit.settings import Settings
from deepmed.web.routes import missing_assets

GRACE_SECONDS = 5
LARGEST_FRAME = 1 << 16


@dataclass(frozen=True)
class Serving:
    """What `deepmed serve` was asked for; port 0 takes a free one."""

    host: str
    port: int
    push_port: int
    with_worker: bool = True
    demo: bool | None = None


def run(asked: Serving, say: Say) -> None:
    """Serve until the process is told to end.

    Raises:
        ConfigurationError: the address is not this machine's own, or a port is taken.
    """
    share_heaps()
    addresses = loopback_addresses(asked.host)
    settings = _watched(served_settings(say, demo=asked.demo))
    with ExitStack() as stack:
        main = _listen(stack, addresses, asked.port, "--port")
        push = _listen(stack, addresses, asked.push_port, "--ws-port")
        home = stack.enter_context(open_home(settings))
        stack.enter_context(forwarded_warnings())
        app = _application(home, with_worker=asked.with_worker)
        port = main[0].getsockname()[1]
        say(f"DeepMed serves {settings.home} at {_address(app, port)} (Ctrl-C ends it)")
        if missing := missing_assets():
            say(missing)
        Settling().begin()
        asyncio.run(_serve(app, main, push))


def _watched(settings: Settings) -> Settings:
    """A server that says nothing cannot be watched, unless that was asked for."""
    if "log_level" in settings.model_fields_set:
        return settings
    return settings.model_copy(update={"log_level": "info"})


def _application(home: Home, *, with_worker: bool) -> FastAPI:
    kinds = job_kinds()
    told = can_tell_users()
    return create_app(
        home,
        supervisor=_supervisor(home.settings, kinds) if with_worker else None,
        peers=peer_uid if told else None,
        token=None if told else secrets.token_urlsafe(32),
        kinds=kinds,
    )


def _supervisor(settings: Settings, kinds: Mapping[str, JobKind]) -> Supervisor:
    return Supervisor(
        partial(open_home, settings),
        kinds,
        concurrency=settings.job_concurrency,
        chores=chores(kinds),
    )


def _address(app: FastAPI, port: int) -> str:
    token = app.state.gate.token
    return f"http://localhost:{port}/" + (f"?token={token}" if token else "")


def loopback_addresses(host: str) -> list[str]:
    """This machine's own addresses that were asked for.

    For `localhost` and its IPv4 address both families are taken, so that nobody else can listen
    on the other one and be taken for this server.

    Raises:
        ConfigurationError: another machine could reach that address.
    """
    if host in {"localhost", "127.0.0.1"}:
        return ["127.0.0.1", "::1"]
    try:
        if ip_address(host).is_loopback:
            return [host]
    except ValueError:
        pass
    raise ConfigurationError(
        f"--host {host} would let other machines in, and there are no accounts yet to tell people "
        "apart: they come in a later version. Nothing was started. Serve at the default address, "
        "and reach it from elsewhere through a tunnel: "
        "ssh -L 8000:localhost:8000 YOU@THIS-MACHINE, then open http://localhost:8000."
    )


def _listen(stack: ExitStack, addresses: list[str], port: int, option: str) -> list[socket.socket]:
    """A socket an address, on one port; the second family is taken where the machine has it."""
    first = stack.enter_context(closing(_bind(addresses[0], port, option)))
    taken = first.getsockname()[1]
    others = [
        stack.enter_context(closing(_bind(address, taken, option)))
        for address in addresses[1:]
        if _has(address)
    ]
    return [first, *others]


def _has(address: str) -> bool:
    try:
        with closing(_bind(address, 0, "")):
            return True
    except (ConfigurationError, OSError):
        return False


def _bind(address: str, port: int, option: str) -> socket.socket:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    # Named, because asyncio sends without delay only over what says that it is TCP.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((address, port))
    except OSError as error:
        listener.close()
        raise ConfigurationError(
            f"Port {port} of {address} cannot be taken: {error.strerror}. Nothing was started. "
            f"Perhaps DeepMed or another program serves there already; end it, or choose another "
            f"port with {option}."
        ) from error
    return listener


def _server(app: ASGIApp, *, lifespan: Literal["on", "off"]) -> "_Server":
    config = uvicorn.Config(
        app,
        http=RememberingProtocol,
        log_config=None,
        access_log=False,  # ours knows what must not be written down
        proxy_headers=False,
        server_header=False,
        lifespan=lifespan,
        timeout_graceful_shutdown=GRACE_SECONDS,
        ws_max_size=LARGEST_FRAME,
    )
    return _Server(config)


class _Server(uvicorn.Server):
    """Leaves signals to us: two servers end together."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def _serve(
    app: FastAPI, main_sockets: list[socket.socket], push_sockets: list[socket.socket]
) -> None:
    port = main_sockets[0].getsockname()[1]
    main = _server(app, lifespan="on")
    push = _server(PushPort(app, port), lifespan="off")

    def end(_signal: int, _frame: FrameType | None) -> None:
        app.state.ending.set()
        for server in (main, push):
            server.force_exit = server.should_exit
            server.should_exit = True

    for kind in (signal.SIGINT, signal.SIGTERM):
        signal.signal(kind, end)
    await asyncio.gather(main.serve(main_sockets), push.serve(push_sockets))
