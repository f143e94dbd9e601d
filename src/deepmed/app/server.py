"""The application: which slices it serves, and what every request passes through."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Protocol

from fastapi import APIRouter, FastAPI

import deepmed
from deepmed.app.access import ROLES
from deepmed.app.contract import on_contract
from deepmed.app.errors import translate
from deepmed.core.home import Home
from deepmed.kit.http.caller import Caller, Role
from deepmed.kit.http.local import LocalAccess, LocalGate
from deepmed.kit.http.middlewares.errors import ErrorHandling
from deepmed.kit.http.middlewares.security_headers import SecurityHeaders
from deepmed.kit.http.peer import PeerLookup, peer_uid
from deepmed.kit.http.problems import Problems
from deepmed.kit.http.routing import RoleAccess, Roles, check_roles

LOCAL_NAME = "local"


class Supervised(Protocol):
    """Something that works beside the server for as long as it runs: the jobs' supervisor."""

    def start(self) -> None: ...
    def stop(self) -> None: ...


def routers() -> Iterator[APIRouter]:
    """Every slice's routes; imported here so that nothing is loaded before a server is wanted."""
    from deepmed.app import root  # noqa: PLC0415 - see above

    yield root.router


def create_app(
    home: Home,
    *,
    supervisor: Supervised | None = None,
    peers: PeerLookup | None = peer_uid,
    token: str | None = None,
    roles: Roles = ROLES,
    more: Callable[[], Iterator[APIRouter]] = routers,
) -> FastAPI:
    """The server of a data folder in local mode.

    Args:
        home: the open data folder; the caller closes it.
        supervisor: runs jobs beside the server.
        peers: tells the user at the other end of a connection; None asks for `token` instead.
        token: the start-up token, where `peers` is None.
        roles: the table of roles.
        more: the routes.

    Raises:
        ConfigurationError: a route states no role, or the table names a route that is not there.
    """
    app = FastAPI(
        title="DeepMed",
        version=deepmed.__version__,
        openapi_url="/api/v1/openapi.json",
        docs_url=None,  # FastAPI's page takes its script from elsewhere; ours is in `web`
        redoc_url=None,
        lifespan=_lifespan(supervisor),
    )
    app.state.home = home
    app.state.dashboard = None
    app.state.problems = Problems(on_contract, translate)
    app.state.problems.install(app)
    for router in more():
        app.include_router(router)
    check_roles(app.routes, roles)
    gate = LocalGate(Caller(home.owner_id, LOCAL_NAME, Role.ADMINISTRATOR), peers, token)
    _add_middlewares(app, gate, roles)
    return app


def _add_middlewares(app: FastAPI, gate: LocalGate, roles: Roles) -> None:
    """From the innermost to the outermost."""
    app.add_middleware(RoleAccess, routes=app.routes, roles=roles)
    app.add_middleware(LocalAccess, gate=gate)
    app.add_middleware(ErrorHandling, problems=app.state.problems)
    app.add_middleware(SecurityHeaders)


def _lifespan(
    supervisor: Supervised | None,
) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        if supervisor is not None:
            supervisor.start()
        yield
        if supervisor is not None:
            supervisor.stop()

    return lifespan
