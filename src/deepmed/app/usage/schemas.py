"""Answers of contract 2.10. What is not measured is null, and `reasons` says why."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, Field

Status = Literal["success"]
Nowhere = Annotated[dict[str, None], Field(max_length=0)]
"""Where requests come from is not looked up; the contract's object stays empty."""


class DatabaseCounts(BaseModel):
    total_drawings: int
    total_analyses: int
    anomaly_count: int
    normal_count: int
    recent_analyses_count: int
    age_groups_count: int


class TimeCounts(BaseModel):
    daily_analyses: int
    weekly_analyses: int
    monthly_analyses: int


class SessionFigures(BaseModel):
    active_sessions: int
    started_sessions: int
    ended_sessions: int
    total_page_views: None = None
    total_session_analyses: None = None
    reason: str


class RequestFigures(BaseModel):
    total_requests: int
    successful_requests: int
    failed_requests: int
    error_rate: float | None
    average_response_time: float | None
    memory_usage_mb: float
    cpu_usage_percent: float


class SystemHealth(RequestFigures):
    uptime_seconds: float
    uptime_percentage: None = None
    average_processing_time: float | None
    reasons: dict[str, str]


class UsageData(BaseModel):
    timestamp: datetime
    database: DatabaseCounts
    time_based: TimeCounts
    sessions: SessionFigures
    system_health: SystemHealth
    geographic: Nowhere
    geographic_reason: str
    uptime_seconds: float


class Usage(BaseModel):
    status: Status
    data: UsageData


class Machine(BaseModel):
    cpu_count: int | None
    memory_total_gb: float
    disk_usage_percent: float


class Service(BaseModel):
    name: str
    version: str
    environment: str


class System(BaseModel):
    timestamp: datetime
    process_id: int
    system: Machine
    service: Service


class UsageHealth(BaseModel):
    status: Literal["healthy", "unhealthy"]
    health: dict[str, str]
    """How each component is, in one word."""
    system: System
    error: str | None
    """What is not well, where something is not."""


class Sessions(BaseModel):
    status: Status
    sessions: SessionFigures
    geographic_distribution: Nowhere
    geographic_reason: str


class AnalysisFigures(BaseModel):
    total_analyses: int
    average_processing_time: float | None
    recent_processing_times: Annotated[list[float], Field(max_length=10)]
    anomaly_count: int
    normal_count: int


class ResponseFigures(RequestFigures):
    recent_response_times: Annotated[list[float], Field(max_length=10)]


class Performance(BaseModel):
    status: Status
    analysis: AnalysisFigures
    system: ResponseFigures
    reasons: dict[str, str]


class SessionStarted(BaseModel):
    status: Status
    session_id: str
    message: str


class SessionEnded(BaseModel):
    status: Status
    message: str


class CloudWatchStatus(BaseModel):
    cloudwatch_enabled: Literal[False]
    aws_region: None = None
    namespace: None = None
    metrics_sent: int
    reason: str
