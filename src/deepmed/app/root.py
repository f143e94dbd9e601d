"""Routes outside `/api/v1`: for browsers, for probes, and for whoever watches the server."""

import os
from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response

import deepmed
from deepmed.core.health.components import HealthStatus
from deepmed.core.health.monitor import HealthMonitor
from deepmed.core.health.samples import SystemMetrics
from deepmed.core.home import Home
from deepmed.kit import clock
from deepmed.kit.http.local import LOCAL_MODE
from deepmed.kit.http.problems import wants_html
from deepmed.kit.http.resources import ResourceMonitor
from deepmed.kit.http.statistics import RequestRecord, RequestStatistics
from deepmed.kit.logging import mask_url

SERVICE = "DeepMed"
Page = Callable[[Request], Response]
router = APIRouter(tags=["server"])


class _Parts:
    """What the application keeps for these routes."""

    def __init__(self, request: Request) -> None:
        state = request.app.state
        self.home: Home = state.home
        self.health: HealthMonitor = state.health
        self.resources: ResourceMonitor = state.resources

    @property
    def statistics(self) -> RequestStatistics:
        return self.resources.statistics


Parts = Annotated[_Parts, Depends(_Parts)]
Limit = Annotated[int, Query(ge=1, le=1000)]


@router.get("/", response_model=None)
def root(request: Request) -> Response | dict[str, Any]:
    """The dashboard for a browser, a short description for a program."""
    dashboard: Page | None = request.app.state.dashboard
    if dashboard is not None and wants_html(request):
        return dashboard(request)
    return {"message": SERVICE, "version": deepmed.__version__, "docs_url": "/docs"}


@router.get("/health")
def health() -> dict[str, Any]:
    """The server answers."""
    return {"status": "healthy", "service": SERVICE, "timestamp": clock.now()}


@router.get("/health/detailed")
def detailed_health(parts: Parts) -> dict[str, Any]:
    """The server and what it stands on, probed now."""
    components = parts.health.check_all()
    metrics = parts.health.metrics()
    return {
        "status": parts.health.get_overall_status(components),
        "service": SERVICE,
        "timestamp": clock.now(),
        "version": deepmed.__version__,
        "system": {
            "cpu_percent": metrics.cpu_percent,
            "memory_percent": metrics.memory_percent,
            "disk_percent": metrics.disk_percent,
            "process_id": os.getpid(),
        },
        "database": _database(parts.home, components["database"]),
        "storage": _storage(parts.home),
        "security": _security(parts.home),
        "errors": parts.statistics.errors(),
        "resources": parts.resources.summary(),
    }


@router.get("/metrics")
def metrics(parts: Parts) -> dict[str, Any]:
    """Load of the machine and of this process, and what requests did."""
    components = parts.health.check_all()
    return {
        "timestamp": clock.now(),
        "system": _system(parts.health.metrics()),
        "security": _security(parts.home),
        "errors": parts.statistics.errors(),
        "resources": parts.resources.summary(),
        "application": components["ml_models"].details,
        "monitoring": {
            **parts.statistics.lately(),
            "alert_count": len(parts.health.get_alerts(components)),
        },
    }


@router.get("/monitoring/logs")
def monitoring_logs(parts: Parts, limit: Limit = 100) -> dict[str, Any]:
    """The newest requests, newest first; without any value of theirs."""
    records = parts.statistics.recent()
    return {
        "logs": [_log_item(one) for one in records[:limit]],
        "total_logs": len(records),
        "limit": limit,
    }


@router.get("/monitoring/alerts")
def monitoring_alerts(parts: Parts, limit: Limit = 50) -> dict[str, Any]:
    """The newest requests that failed through no fault of the client's, newest first."""
    failed = [one for one in parts.statistics.recent() if one.failed]
    return {
        "alerts": [_alert_item(one) for one in failed[:limit]],
        "total_alerts": len(failed),
        "limit": limit,
    }


def _database(home: Home, status: HealthStatus) -> dict[str, Any]:
    return {"url": mask_url(home.settings.resolved_database_url), "status": status.status}


def _storage(home: Home) -> dict[str, Any]:
    url = mask_url(home.settings.resolved_storage_url)
    return {
        "upload_dir": f"{url}/uploads",
        "static_dir": None,  # nothing that a user made is served without being asked for by id
        "max_file_size": home.settings.max_file_bytes,
    }


def _security(home: Home) -> dict[str, Any]:
    return {"mode": "local", "note": LOCAL_MODE, "cors_origins": home.settings.cors_origins}


def _system(found: SystemMetrics) -> dict[str, Any]:
    """Sizes in bytes, as this path's contract has them."""
    gib = 1 << 30
    return {
        "cpu_percent": found.cpu_percent,
        "memory": {
            "percent": found.memory_percent,
            "available": round(found.memory_available_gb * gib),
            "total": round(found.memory_total_gb * gib),
        },
        "disk": {
            "percent": found.disk_percent,
            "free": round(found.disk_free_gb * gib),
            "total": round(found.disk_total_gb * gib),
        },
    }


def _log_item(one: RequestRecord) -> dict[str, Any]:
    return {
        "correlation_id": one.request_id,
        "timestamp": one.at,
        "level": "ERROR" if one.failed else "INFO",
        "message": f"{one.method} {one.route} answered {one.status}",
        "component": "api",
        "operation": f"{one.method} {one.route}",
        "success": one.status < 400,
        "error_message": one.error_code,
    }


def _alert_item(one: RequestRecord) -> dict[str, Any]:
    return {
        "alert_id": one.error_id or one.request_id,
        "correlation_id": one.request_id,
        "timestamp": one.at,
        "success": False,
        "error_message": one.error_code,
    }
