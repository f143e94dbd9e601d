"""Answers of contract 2.7."""

from datetime import datetime
from typing import Any

from pydantic import AwareDatetime, BaseModel

from deepmed.core.health.components import State


class Health(BaseModel):
    status: str
    service: str
    timestamp: datetime


class Component(BaseModel):
    status: State
    message: str
    details: dict[str, Any]
    last_check: datetime
    response_time_ms: float | None


class ComponentHealth(Component):
    component: str


class AlertItem(BaseModel):
    component: str
    severity: State
    message: str
    timestamp: datetime
    details: dict[str, Any]


class DetailedHealth(BaseModel):
    status: State
    service: str
    timestamp: datetime
    components: dict[str, Component]
    alerts: list[AlertItem]
    alert_count: int


class SystemFigures(BaseModel):
    """Shares in percent, sizes in GiB, counts of this process's connections and all processes."""

    cpu_percent: float
    memory_percent: float
    memory_available_gb: float
    memory_total_gb: float
    disk_percent: float
    disk_free_gb: float
    disk_total_gb: float
    active_connections: int
    process_count: int


class Metrics(BaseModel):
    timestamp: datetime
    system: SystemFigures


class MetricsPoint(SystemFigures):
    timestamp: AwareDatetime


class MetricsHistory(BaseModel):
    period_hours: int
    data_points: int
    metrics: list[MetricsPoint]


class Alerts(BaseModel):
    timestamp: datetime
    alert_count: int
    alerts: list[AlertItem]


class ThresholdsUpdated(BaseModel):
    message: str
    updated_thresholds: dict[str, float]
    current_thresholds: dict[str, float]


class StatusSummary(BaseModel):
    overall_status: State
    timestamp: datetime
    components: dict[str, State]
    alert_count: int
    critical_alerts: int
    warning_alerts: int
