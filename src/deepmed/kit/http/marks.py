"""What one middleware notes in a connection's scope for another."""

from starlette.types import Scope

REQUEST_ID = "deepmed_request_id"
_ROUTE = "deepmed_route"
_ERROR = "deepmed_error"


def mark_route(scope: Scope, pattern: str) -> None:
    """The path as it was declared, `/drawings/{drawing_id}`: a log may have it, not the values."""
    scope[_ROUTE] = pattern


def route_of(scope: Scope) -> str:
    found: str = scope.get(_ROUTE, "(none)")
    return found


def mark_error(scope: Scope, code: str, error_id: str) -> None:
    scope[_ERROR] = (code, error_id)


def error_of(scope: Scope) -> tuple[str, str] | tuple[None, None]:
    """The code and the id of the error that this request ended with."""
    found: tuple[str, str] | tuple[None, None] = scope.get(_ERROR, (None, None))
    return found
