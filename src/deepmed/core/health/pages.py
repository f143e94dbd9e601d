"""How the server is, in a browser: its parts, its alerts, and what it stores."""

from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse

from deepmed.core.health.monitor import HealthMonitor
from deepmed.kit.http.caller import caller_of
from deepmed.web.shell import Entry, page

PACKAGE = "deepmed.core.health"
NAVIGATION = (Entry("Status", "/status", "Administration"),)

WORDS = {
    "database": "Database",
    "file_storage": "File store",
    "system_resources": "Machine",
    "ml_models": "Models",
    "api_endpoints": "Requests",
    "system_error": "Not probed",
}
"""Components as a person names them."""

router = APIRouter(include_in_schema=False)


@router.get("/status")
def status(request: Request) -> HTMLResponse:
    return page(request, PACKAGE, "status.html", _status(request))


@router.get("/status/storage")
def storage(request: Request) -> HTMLResponse:
    """The one line of the dashboard; apart from it, because all files are counted for it."""
    return page(request, PACKAGE, "storage_part.html", {"storage": _storage(request)})


def _status(request: Request) -> dict[str, Any]:
    monitor: HealthMonitor = request.app.state.health
    components = monitor.check_all()
    return {
        "words": WORDS,
        "overall": monitor.get_overall_status(components),
        "components": list(components.values()),
        "alerts": monitor.get_alerts(components),
        "metrics": monitor.metrics(),
        "storage": _storage(request),
    }


def _storage(request: Request) -> dict[str, Any]:
    home = request.app.state.home.for_owner(caller_of(request).owner_id)
    found: dict[str, Any] = home.storage.get_storage_stats()
    return found
