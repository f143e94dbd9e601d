"""The application: which slices it serves, and what every request passes through."""

from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import cache, partial
from threading import Event
from typing import Protocol

from anyio.to_thread import run_sync
from fastapi import APIRouter, FastAPI
from starlette.routing import BaseRoute

import deepmed
from deepmed.app import limits
from deepmed.app.access import ROLES
from deepmed.app.contract import on_contract
from deepmed.app.description import describe
from deepmed.app.errors import translate
from deepmed.app.kinds import job_kinds
from deepmed.app.models_probe import models_probe
from deepmed.app.usage.sessions import UsageBook
from deepmed.core.health.monitor import HealthMonitor
from deepmed.core.home import Home
from deepmed.core.jobs.kinds import JobKind
from deepmed.kit.http.caller import Caller, Role
from deepmed.kit.http.local import LocalAccessMiddleware, LocalGate
from deepmed.kit.http.middlewares.ending_streams import EndingStreamsMiddleware
from deepmed.kit.http.middlewares.errors import ErrorHandlingMiddleware
from deepmed.kit.http.middlewares.listeners import ListenersMiddleware
from deepmed.kit.http.middlewares.rate_limits import RateLimitMiddleware
from deepmed.kit.http.middlewares.request_logging import RequestLoggingMiddleware
from deepmed.kit.http.middlewares.resource_monitoring import ResourceMonitoringMiddleware
from deepmed.kit.http.middlewares.security_headers import SecurityHeadersMiddleware
from deepmed.kit.http.middlewares.size_limits import SizeLimitMiddleware
from deepmed.kit.http.peer import PeerLookup, peer_uid
from deepmed.kit.http.problems import Problems
from deepmed.kit.http.resources import ResourceMonitor
from deepmed.kit.http.routing import RoleAccessMiddleware, Roles, check_roles
from deepmed.kit.http.statistics import RequestStatistics
from deepmed.web.routes import static_files

LOCAL_NAME = "local"
API = "/api/v1"
Prepare = Callable[[FastAPI], None]


class Supervised(Protocol):
    """Something that works beside the server for as long as it runs: the jobs' supervisor."""

    def start(self) -> object: ...
    def stop(self) -> object: ...


def routers() -> Iterator[tuple[str, APIRouter]]:
    """Every slice's routes under their prefix; imported when a server is wanted, not before."""
    from deepmed.app import auth, listening, not_offered, pages, root  # noqa: PLC0415 - see above
    from deepmed.app.usage import routes as usage  # noqa: PLC0415 - likewise
    from deepmed.core.backups import database_routes  # noqa: PLC0415 - likewise
    from deepmed.core.backups import routes as backups  # noqa: PLC0415 - likewise
    from deepmed.core.health import routes as health  # noqa: PLC0415 - likewise
    from deepmed.core.jobs import routes as jobs  # noqa: PLC0415 - likewise
    from deepmed.features.drawings import routes as drawings  # noqa: PLC0415 - likewise
    from deepmed.features.xray import routes as xray  # noqa: PLC0415 - likewise
    from deepmed.features.xray.inference import routes as inference  # noqa: PLC0415 - likewise
    from deepmed.features.xray.report import routes as xray_reports  # noqa: PLC0415 - likewise
    from deepmed.web import routes as web  # noqa: PLC0415 - likewise

    yield "", root.router
    yield "", auth.router
    yield "", not_offered.router()
    yield API, health.router
    yield API, usage.router
    yield API, jobs.router
    yield API, listening.router
    yield API, backups.router
    yield API, database_routes.router
    for router in drawings.routers():
        yield API, router
    yield "", inference.router
    yield "", xray_reports.router
    for router in xray.contract_routers():
        yield "", router
    for router in xray.routers():
        yield API, router
    yield "", web.router
    for router in pages.routers():
        yield "", router


@cache
def _routes() -> tuple[BaseRoute, ...]:
    """All of them, worked out once: they know nothing of the application that they serve."""
    everything = APIRouter()
    for prefix, router in routers():
        everything.include_router(router, prefix=prefix)
    return tuple(everything.routes)


def create_app(
    home: Home,
    *,
    supervisor: Supervised | None = None,
    peers: PeerLookup | None = peer_uid,
    token: str | None = None,
    role: Role = Role.ADMINISTRATOR,
    kinds: Mapping[str, JobKind] | None = None,
    prepare: Prepare | None = None,
    roles: Roles = ROLES,
) -> FastAPI:
    """The server of a data folder in local mode.

    Args:
        home: the open data folder; whoever opened it closes it.
        supervisor: runs jobs beside the server.
        peers: tells the user at the other end of a connection; None asks for `token` instead.
        token: the start-up token, where `peers` is None.
        role: what the person at this machine may do.
        kinds: the jobs that may be submitted; those of `job_kinds` when unset.
        prepare: adds more to the application before its roles are checked.
        roles: the least role of every route.

    Raises:
        ConfigurationError: a route states no role, or the table names a route that is not there.
    """
    app = FastAPI(
        title="DeepMed",
        version=deepmed.__version__,
        openapi_url=f"{API}/openapi.json",
        docs_url=None,  # FastAPI's page takes its script from elsewhere; ours is in `web`
        redoc_url=None,
        lifespan=_lifespan(supervisor),
    )
    describe(app)
    _keep_parts(app, home)
    app.state.kinds = job_kinds() if kinds is None else kinds
    app.router.routes.extend(_routes())
    app.mount("/static", static_files())
    _install_pages(app)
    if prepare is not None:
        prepare(app)
    check_roles(app.routes, roles)
    app.state.gate = LocalGate(Caller(home.owner_id, LOCAL_NAME, role), peers, token)
    _add_middlewares(app, roles)
    return app


def _keep_parts(app: FastAPI, home: Home) -> None:
    """What routes find in `app.state`.

    `dashboard` is set by whoever draws pages; `ending` is set when the server is told to end, so
    that streams of events end too; `forget_data` lets go of what is in memory, after a restore.
    """
    statistics = RequestStatistics()
    app.state.home = home
    app.state.dashboard = None
    app.state.forget_data = partial(_forget_data, app)
    app.state.ending = Event()
    app.state.resources = ResourceMonitor(statistics, limits.most_requests(home.settings))
    app.state.usage = UsageBook()
    app.state.health = HealthMonitor(home, statistics, partial(models_probe, home))
    app.state.problems = Problems(on_contract, translate)
    app.state.problems.install(app)


def _forget_data(app: FastAPI) -> None:
    from deepmed.features.drawings.desk import close_desks  # noqa: PLC0415 - as routers

    close_desks(app.state)
    app.state.home.forget()


def _install_pages(app: FastAPI) -> None:
    from deepmed.app import pages  # noqa: PLC0415 - as routers

    pages.install(app)


def _add_middlewares(app: FastAPI, roles: Roles) -> None:
    """From the innermost to the outermost."""
    problems, resources = app.state.problems, app.state.resources
    settings = app.state.home.settings
    exempt = limits.unlimited
    app.add_middleware(EndingStreamsMiddleware, ending=app.state.ending)
    app.add_middleware(
        ListenersMiddleware, limits=limits.listener_limits(settings), problems=problems
    )
    app.add_middleware(SizeLimitMiddleware, limits=limits.size_limits(settings), problems=problems)
    app.add_middleware(
        ResourceMonitoringMiddleware, resources=resources, problems=problems, exempt=exempt
    )
    app.add_middleware(
        RateLimitMiddleware, buckets=limits.buckets(settings), problems=problems, exempt=exempt
    )
    app.add_middleware(RoleAccessMiddleware, routes=app.routes, roles=roles)
    app.add_middleware(LocalAccessMiddleware, gate=app.state.gate)
    app.add_middleware(ErrorHandlingMiddleware, problems=problems, statistics=resources.statistics)
    app.add_middleware(RequestLoggingMiddleware, resources=resources)
    app.add_middleware(SecurityHeadersMiddleware)


def _lifespan(
    supervisor: Supervised | None,
) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        monitor: HealthMonitor = app.state.health
        monitor.sampler.start()
        if supervisor is not None:
            await run_sync(supervisor.start)
        yield
        app.state.ending.set()
        if supervisor is not None:
            await run_sync(supervisor.stop)
        monitor.sampler.stop()

    return lifespan
