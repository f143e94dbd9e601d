"""Health and monitoring (contract 2.7); the application keeps the monitor in its state."""

from typing import Annotated

from fastapi import APIRouter, Body, Depends, Query, Request
from starlette.requests import HTTPConnection

from deepmed.core.health import schemas
from deepmed.core.health.components import Alert, State
from deepmed.core.health.monitor import HealthMonitor
from deepmed.kit import clock
from deepmed.kit.errors import NotFoundError
from deepmed.kit.http.caller import caller_of

SERVICE = "DeepMed"
router = APIRouter(tags=["health"])


def _monitor(connection: HTTPConnection) -> HealthMonitor:
    monitor: HealthMonitor = connection.app.state.health
    return monitor


Monitor = Annotated[HealthMonitor, Depends(_monitor)]


@router.get("/health")
def health() -> schemas.Health:
    """The server answers."""
    return schemas.Health(status="healthy", service=SERVICE, timestamp=clock.now())


@router.get("/health/detailed")
def detailed_health(monitor: Monitor) -> schemas.DetailedHealth:
    """Every component, probed now."""
    components = monitor.check_all()
    alerts = monitor.get_alerts(components)
    return schemas.DetailedHealth(
        status=monitor.get_overall_status(components),
        service=SERVICE,
        timestamp=clock.now(),
        components={name: schemas.Component(**vars(status)) for name, status in components.items()},
        alerts=_items(alerts),
        alert_count=len(alerts),
    )


@router.get("/health/component/{component_name}")
def component_health(monitor: Monitor, component_name: str) -> schemas.ComponentHealth:
    """One component, probed now."""
    status = monitor.check(component_name)
    if status is None:
        known = ", ".join(monitor.component_names)
        raise NotFoundError(f"There is no such component; there are: {known}.")
    return schemas.ComponentHealth(**vars(status))


@router.get("/metrics")
def metrics(monitor: Monitor) -> schemas.Metrics:
    """The machine's load at the newest look, at most a minute old."""
    found = vars(monitor.metrics())
    return schemas.Metrics(timestamp=found["timestamp"], system=schemas.SystemFigures(**found))


@router.get("/metrics/history")
def metrics_history(
    monitor: Monitor, hours: Annotated[int, Query(ge=1, le=24)] = 1
) -> schemas.MetricsHistory:
    """The machine's load since the server began, at most 100 looks spread over the hours."""
    points = [schemas.MetricsPoint(**vars(one)) for one in monitor.get_metrics_history(hours)]
    return schemas.MetricsHistory(period_hours=hours, data_points=len(points), metrics=points)


@router.get("/alerts")
def alerts(monitor: Monitor) -> schemas.Alerts:
    """What a person should look at now."""
    found = monitor.get_alerts(monitor.check_all())
    return schemas.Alerts(timestamp=clock.now(), alert_count=len(found), alerts=_items(found))


@router.post("/alerts/thresholds")
def set_thresholds(
    request: Request, monitor: Monitor, changes: Annotated[dict[str, float], Body()]
) -> schemas.ThresholdsUpdated:
    """From which values on the server warns: shares in percent, response_time_ms."""
    current = monitor.update_alert_thresholds(changes, caller_of(request).owner_id)
    return schemas.ThresholdsUpdated(
        message=f"{len(changes)} thresholds were set; they hold from now on.",
        updated_thresholds=changes,
        current_thresholds=current,
    )


@router.get("/status")
def status(monitor: Monitor) -> schemas.StatusSummary:
    """How every component is, in one word each."""
    components = monitor.check_all()
    found = monitor.get_alerts(components)
    severities = [alert.severity for alert in found]
    return schemas.StatusSummary(
        overall_status=monitor.get_overall_status(components),
        timestamp=clock.now(),
        components={name: one.status for name, one in components.items()},
        alert_count=len(found),
        critical_alerts=severities.count(State.CRITICAL),
        warning_alerts=severities.count(State.WARNING),
    )


def _items(alerts: list[Alert]) -> list[schemas.AlertItem]:
    return [schemas.AlertItem(**vars(alert)) for alert in alerts]
