"""What a client is told when something goes wrong (P-3).

On the paths of a contract the body is the contract's, elsewhere a problem of RFC 9457. Every
answer names the error's id in `X-Error-ID`, and the log has a line with the same id. Neither holds
a value of a person or a detail of the program.
"""

import math
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any
from uuid import UUID

from fastapi import FastAPI
from fastapi.encoders import jsonable_encoder
from fastapi.exceptions import RequestValidationError
from sqlalchemy.exc import IntegrityError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import Scope

from deepmed.kit import logging
from deepmed.kit.errors import ConflictError, DeepMedError
from deepmed.kit.http.marks import REQUEST_ID, mark_error, route_of
from deepmed.kit.ids import new_uid

Translate = Callable[[Exception], DeepMedError | None]
"""From an error of a library to ours; None where it is not the library's."""

_log = logging.get("deepmed.http")
_ECHOED = (int, float, bool)


@dataclass(frozen=True)
class Problem:
    """One error on its way to a client."""

    status: int
    code: str
    message: str
    contract: Mapping[str, Any]
    """The body on the contract's paths."""
    members: Mapping[str, Any] = field(default_factory=dict)
    """What the body elsewhere has besides the standard's own members."""
    headers: Mapping[str, str] = field(default_factory=dict)
    error_id: str = field(default_factory=new_uid)


Page = Callable[[Request, Problem], Response]
"""Shows a problem to a person with a browser."""


class Problems:
    """Turns errors into answers. `contract` tells whether a path is one of the contract's."""

    def __init__(self, contract: Callable[[str], bool], translate: Translate | None = None) -> None:
        self.contract = contract
        self.translate = translate or (lambda _error: None)
        self.page: Page | None = None

    def install(self, app: FastAPI) -> None:
        """Answer the errors that handlers raise; the others come through `answer`."""
        for kind in (DeepMedError, HTTPException, RequestValidationError, IntegrityError):
            app.add_exception_handler(kind, self._handle)

    async def _handle(self, request: Request, error: Exception) -> Response:
        return self.answer(request.scope, error)

    def answer(self, scope: Scope, error: Exception) -> Response:
        """The answer to any error; one that nobody foresaw tells its id and no more."""
        return self.respond(scope, self.note(scope, error))

    def note(self, scope: Scope, error: Exception) -> Problem:
        """What the error is to a client; one of ours is logged with where it happened."""
        problem = self._describe(scope, error)
        mark_error(scope, problem.code, problem.error_id)
        if _is_failure(problem.status):
            _record(scope, problem, error)
        return problem

    def respond(self, scope: Scope, problem: Problem) -> Response:
        mark_error(scope, problem.code, problem.error_id)
        headers = {**problem.headers, "X-Error-ID": problem.error_id}
        request = Request(scope)
        if self.page is not None and _wants_page(request):
            answer = self.page(request, problem)
            answer.headers.update(headers)
            return answer
        if self.contract(scope["path"]):
            return JSONResponse(dict(problem.contract), problem.status, headers)
        return JSONResponse(
            _standard_body(problem), problem.status, headers, "application/problem+json"
        )

    def _describe(self, scope: Scope, error: Exception) -> Problem:
        match error:
            case DeepMedError():
                return _of_ours(scope, error)
            case HTTPException():
                return _of_http(error)
            case RequestValidationError():
                return _of_validation(error)
            case IntegrityError():
                return _of_ours(scope, _outrun())
        ours = self.translate(error)
        return _unforeseen(scope) if ours is None else _of_ours(scope, ours)


def _is_failure(status: int) -> bool:
    """What is not offered (501) is told like a failure and is none."""
    return status >= HTTPStatus.INTERNAL_SERVER_ERROR and status != HTTPStatus.NOT_IMPLEMENTED


def _of_ours(scope: Scope, error: DeepMedError) -> Problem:
    """The client's own error is told as an endpoint does, ours as the contract's middleware does.

    Ours has `detail` as well, for clients that read nothing else.
    """
    details = jsonable_encoder(error.details)
    contract: dict[str, Any] = {"detail": error.message}
    if error.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        contract |= {
            "error": error.message,
            "details": details,
            "type": "system_error",
            "request_id": scope.get(REQUEST_ID),
        }
    members = {"details": details} if details else {}
    wait = error.details.get("retry_after")
    headers = {} if wait is None else {"Retry-After": str(wait)}
    return Problem(
        error.status, error.code, error.message, contract, members, headers, error.error_id
    )


def _of_http(error: HTTPException) -> Problem:
    message = error.detail if isinstance(error.detail, str) else _phrase(error.status_code)
    code = _phrase(error.status_code).lower().replace(" ", "_")
    return Problem(
        error.status_code,
        code,
        message,
        {"detail": jsonable_encoder(error.detail)},
        headers=dict(error.headers or {}),
    )


def _of_validation(error: RequestValidationError) -> Problem:
    found = [_complaint(item) for item in error.errors()]
    message = "The request does not have the documented form; nothing was done."
    return Problem(422, "validation", message, {"detail": found}, {"errors": found})


def _complaint(item: Mapping[str, Any]) -> dict[str, Any]:
    """One complaint of pydantic's; a number is echoed, a text may be a secret or a person's."""
    given = item.get("input")
    return {
        "type": item["type"],
        "loc": [part if isinstance(part, int) else str(part) for part in item["loc"]],
        "msg": item["msg"],
        "input": given if _can_be_echoed(given) else None,
    }


def _can_be_echoed(given: object) -> bool:
    """JSON has no way to write infinity or what is no number."""
    return isinstance(given, _ECHOED) and math.isfinite(given)


def _outrun() -> ConflictError:
    return ConflictError(
        "Another request deleted or changed what this rests on, so this one was undone as a "
        "whole. Load the page or list again, then repeat it."
    )


def _unforeseen(scope: Scope) -> Problem:
    error_id = new_uid()
    message = (
        f"Something unforeseen happened here, error id {error_id}. What was finished before is "
        "kept. Try again; should it happen again, report the id: the server's log has the details."
    )
    contract = {
        "error": message,
        "detail": message,
        "request_id": scope.get(REQUEST_ID),
        "type": "internal_error",
    }
    return Problem(500, "internal_error", message, contract, error_id=error_id)


def _record(scope: Scope, problem: Problem, error: Exception) -> None:
    """Where it happened, not what was said: a message may quote a person's value."""
    _log.error(
        "request failed",
        code=problem.code,
        status=problem.status,
        error_id=problem.error_id,
        route=route_of(scope),
        error_type=type(error).__name__,
        where=frames(error),
    )


def frames(error: BaseException) -> list[str]:
    """The innermost places of an error, and of the one behind it."""
    places = traceback.extract_tb(error.__traceback__)[-6:]
    here = [f"{place.filename}:{place.lineno} {place.name}" for place in places]
    cause = error.__cause__
    return here if cause is None else [*here, f"because of {type(cause).__name__}", *frames(cause)]


def _standard_body(problem: Problem) -> dict[str, Any]:
    return {
        **problem.members,
        "type": "about:blank",
        "title": _phrase(problem.status),
        "status": problem.status,
        "detail": problem.message,
        "instance": UUID(problem.error_id).urn,
        "code": problem.code,
        "error_id": problem.error_id,
    }


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Error"


def _wants_page(request: Request) -> bool:
    return not request.url.path.startswith("/api/") and wants_html(request)


def wants_html(request: Request) -> bool:
    """Whether a browser navigates here, and not a program."""
    return "text/html" in request.headers.get("accept", "")
