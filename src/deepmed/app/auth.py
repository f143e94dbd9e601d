"""Who is served, as the original's addresses for signing in are asked (contract 2.15).

In local mode the operating system says who asks, so there is nothing to sign in to. Signing in
itself is in the table of `not_offered`.
"""

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request
from fastapi.responses import RedirectResponse
from pydantic import BaseModel

from deepmed.app.access import ROLES
from deepmed.kit.http.caller import caller_of
from deepmed.kit.http.local import LOCAL_MODE, LocalGate
from deepmed.kit.http.routing import ANYONE

router = APIRouter(prefix="/auth", tags=["auth"])

NO_SESSION = f"{LOCAL_MODE} Every request is checked by itself, so there are no sessions to count."


class AuthenticationStatus(BaseModel):
    authenticated: bool
    session_info: None = None
    """There is no session: each request is checked by itself."""
    expires_in: None = None
    mode: Literal["local"]
    by: Literal["operating_system", "start_up_token"]
    """What tells who asks."""
    user: str
    role: str
    reason: str


class AuthenticationCounts(BaseModel):
    active_sessions: int
    session_timeout: None = None
    max_login_attempts: None = None
    rate_limit_window: None = None
    rate_limited_ips: None = None
    reason: str
    """Why the others are null."""


class AuthenticationStatistics(BaseModel):
    authentication_stats: AuthenticationCounts
    protected_routes: list[str]
    public_routes: list[str]


@router.get("/login", status_code=302, response_class=RedirectResponse)
def login(redirect: Annotated[str, Query(max_length=500)] = "/") -> RedirectResponse:
    """Nobody has to sign in: on to where the caller wanted to go, on this server."""
    return RedirectResponse("/" + redirect.lstrip("/\\"), status_code=302)


@router.post("/logout", status_code=302, response_class=RedirectResponse)
def logout(request: Request) -> RedirectResponse:
    """Forget the start-up token in the browser, where one is used; else there is nothing to end."""
    answer = RedirectResponse("/", status_code=302)
    gate = _gate(request)
    if gate.peers is None:
        answer.delete_cookie(gate.cookie, path="/", httponly=True, samesite="strict")
    return answer


@router.get("/status")
def status(request: Request) -> AuthenticationStatus:
    """Whoever gets an answer is the person who started the server."""
    caller = caller_of(request)
    return AuthenticationStatus(
        authenticated=True,
        mode="local",
        by="operating_system" if _gate(request).peers is not None else "start_up_token",
        user=caller.name,
        role=caller.role.name.lower(),
        reason=NO_SESSION,
    )


@router.get("/stats")
def statistics() -> AuthenticationStatistics:
    """Which routes ask who it is, from the one table that the server keeps to."""
    return AuthenticationStatistics(
        authentication_stats=AuthenticationCounts(active_sessions=0, reason=NO_SESSION),
        protected_routes=[route for route, role in ROLES.items() if role is not ANYONE],
        public_routes=[route for route, role in ROLES.items() if role is ANYONE],
    )


def _gate(request: Request) -> LocalGate:
    gate: LocalGate = request.app.state.gate
    return gate
