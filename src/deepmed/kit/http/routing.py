"""All routes of an application, whatever kind they are and however deep they were included."""

from collections.abc import Iterator, Mapping, Sequence

from fastapi.routing import RouteContext, iter_route_contexts
from starlette.requests import HTTPConnection
from starlette.routing import BaseRoute, Match, Mount
from starlette.types import ASGIApp, Receive, Scope, Send

from deepmed.kit.errors import ConfigurationError
from deepmed.kit.http.caller import Caller, Role, caller_of
from deepmed.kit.http.errors import AccessRefusedError
from deepmed.kit.http.marks import mark_route

ANYONE = None
"""Served without asking who it is, where the server is open to more than one person."""
Roles = Mapping[str, Role | None]
"""From `"GET /api/v1/jobs/{job_id}"`, `"WEBSOCKET /path"` or `"MOUNT /path"` to the least role."""


def names_of(route: RouteContext) -> list[str]:
    """A route's names in the table of roles, one a method. HEAD is asked like GET."""
    if isinstance(route.original_route, Mount):
        return [f"MOUNT {route.path}"]
    methods = getattr(route, "methods", None)
    if not methods:
        return [f"WEBSOCKET {route.path}"]
    return [f"{method} {route.path}" for method in sorted(methods - {"HEAD"} or methods)]


def all_names(routes: Sequence[BaseRoute]) -> Iterator[str]:
    for route in iter_route_contexts(routes):
        yield from names_of(route)


def check_roles(routes: Sequence[BaseRoute], roles: Roles) -> None:
    """Each route states its least role, and nothing else does (S-2).

    Raises:
        ConfigurationError: names the routes without a role, or the entries without a route.
    """
    names = set(all_names(routes))
    if silent := names - set(roles):
        raise ConfigurationError(
            f"These routes state no least role, so the server does not start: {_list(silent)}."
        )
    if stale := set(roles) - names:
        raise ConfigurationError(
            f"These entries of the table of roles have no route: {_list(stale)}. Remove them."
        )


def _list(names: set[str]) -> str:
    return ", ".join(sorted(names))


class RoleAccessMiddleware:
    """Lets a caller reach a route from its least role on. What states none is reached by nobody."""

    def __init__(self, app: ASGIApp, routes: Sequence[BaseRoute], roles: Roles) -> None:
        self.app = app
        self.routes = routes
        self.roles = roles

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] in {"http", "websocket"} and (route := self._selected(scope)):
            mark_route(scope, str(route.path))
            self._check(scope, route)
        await self.app(scope, receive, send)

    def _selected(self, scope: Scope) -> RouteContext | None:
        """The route that will answer: the first that matches, as the router does it."""
        for route in iter_route_contexts(self.routes):
            if route.matches(scope)[0] is Match.FULL:
                return route
        return None

    def _check(self, scope: Scope, route: RouteContext) -> None:
        names = names_of(route)
        asked = f"{scope.get('method')} {route.path}"
        try:
            # A HEAD that was not declared is answered like a GET, which sorts first.
            least = self.roles[asked if asked in names else names[0]]
        except KeyError:
            raise AccessRefusedError("This address states no role, so nobody reaches it.") from None
        if least is not ANYONE:
            _check_role(caller_of(HTTPConnection(scope)), least)


def _check_role(caller: Caller, least: Role) -> None:
    if caller.role < least:
        raise AccessRefusedError(
            f"This takes the role {least.name.lower()}, and yours is {caller.role.name.lower()}. "
            "Nothing was changed. Ask an administrator for the role."
        )
