"""Routes outside `/api/v1`."""

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

import deepmed
from deepmed.kit import clock
from deepmed.kit.http.problems import wants_html

SERVICE = "DeepMed"

router = APIRouter(tags=["server"])


@router.get("/", response_model=None)
def root(request: Request) -> Response | dict[str, Any]:
    """The dashboard for a browser, a short description for a program."""
    if request.app.state.dashboard is not None and wants_html(request):
        page: Response = request.app.state.dashboard(request)
        return page
    return {"message": SERVICE, "version": deepmed.__version__, "docs_url": "/docs"}


@router.get("/health")
def health() -> dict[str, Any]:
    """The server answers."""
    return {"status": "healthy", "service": SERVICE, "timestamp": clock.now()}
