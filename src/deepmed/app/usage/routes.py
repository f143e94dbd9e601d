"""Usage over HTTP (contract 2.10). The application keeps the book of sessions in its state."""

import os
from typing import Annotated, Any

import psutil
from fastapi import APIRouter, Body, Depends, Request

import deepmed
from deepmed.app.usage import figures, schemas
from deepmed.app.usage.sessions import UsageBook
from deepmed.core.health.components import State
from deepmed.core.health.monitor import HealthMonitor
from deepmed.core.home import Home
from deepmed.kit import clock
from deepmed.kit.http.caller import caller_of
from deepmed.kit.http.statistics import RequestStatistics

SERVICE, ENVIRONMENT = "DeepMed", "local"
NOT_LOCATED = "Where a request comes from is neither stored nor looked up."
NOT_FOLLOWED = (
    "A session is a random id and the moment of its start. Which pages it opened and what it "
    "analysed is not followed, and neither address nor browser is kept."
)
NOT_SENT = (
    "DeepMed sends no figures anywhere. To have them in Amazon CloudWatch, let an agent of yours "
    "read GET /metrics of this server, for example the CloudWatch agent with a script of its own."
)

router = APIRouter(prefix="/metrics", tags=["usage"])


class _Parts:
    """What the application keeps for these routes."""

    def __init__(self, request: Request) -> None:
        state = request.app.state
        self.home: Home = state.home
        self.health: HealthMonitor = state.health
        self.statistics: RequestStatistics = state.resources.statistics
        self.usage: UsageBook = state.usage
        self.owner_id = caller_of(request).owner_id

    def sessions(self) -> schemas.SessionFigures:
        counts = self.usage.sessions.counts(self.owner_id)
        return schemas.SessionFigures(
            active_sessions=counts.active,
            started_sessions=counts.started,
            ended_sessions=counts.ended,
            reason=NOT_FOLLOWED,
        )

    def requests(self) -> dict[str, Any]:
        return figures.request_figures(self.statistics, self.health.metrics()).model_dump()


Parts = Annotated[_Parts, Depends(_Parts)]


@router.get("/usage")
def usage(parts: Parts) -> schemas.Usage:
    """One's own drawings and analyses, and what the server did since it began."""
    now = clock.now()
    with parts.home.database.read() as session:
        database = figures.database_counts(session, parts.owner_id, now)
        over_time = figures.time_counts(session, parts.owner_id, now)
        analysis = figures.analysis_figures(session, parts.owner_id, parts.statistics)
    requests, uptime = parts.requests(), parts.usage.uptime_seconds
    processing = analysis.average_processing_time
    return schemas.Usage(
        status="success",
        data=schemas.UsageData(
            timestamp=now,
            database=database,
            time_based=over_time,
            sessions=parts.sessions(),
            system_health=schemas.SystemHealth(
                **requests,
                uptime_seconds=uptime,
                average_processing_time=processing,
                reasons={
                    "uptime_percentage": figures.NO_RECORD,
                    **_reasons(requests, processing),
                },
            ),
            geographic={},
            geographic_reason=NOT_LOCATED,
            uptime_seconds=uptime,
        ),
    )


@router.get("/health")
def usage_health(parts: Parts) -> schemas.UsageHealth:
    """How the parts of the server are, and what it runs on."""
    components = parts.health.check_all()
    machine = parts.health.metrics()
    wrong = [one.message for one in components.values() if one.status is State.CRITICAL]
    return schemas.UsageHealth(
        status="unhealthy" if wrong else "healthy",
        health={name: one.status for name, one in components.items()},
        system=schemas.System(
            timestamp=clock.now(),
            process_id=os.getpid(),
            system=schemas.Machine(
                cpu_count=psutil.cpu_count(),
                memory_total_gb=machine.memory_total_gb,
                disk_usage_percent=machine.disk_percent,
            ),
            service=schemas.Service(
                name=SERVICE, version=deepmed.__version__, environment=ENVIRONMENT
            ),
        ),
        error=" ".join(wrong) or None,
    )


@router.get("/sessions")
def sessions(parts: Parts) -> schemas.Sessions:
    """How many sessions clients opened and closed; nothing about who opened them."""
    return schemas.Sessions(
        status="success",
        sessions=parts.sessions(),
        geographic_distribution={},
        geographic_reason=NOT_LOCATED,
    )


@router.get("/performance")
def performance(parts: Parts) -> schemas.Performance:
    """How long requests and analyses took, in seconds, the newest first."""
    with parts.home.database.read() as session:
        analysis = figures.analysis_figures(session, parts.owner_id, parts.statistics)
    requests = parts.requests()
    newest = parts.statistics.recent(figures.RECENT)
    return schemas.Performance(
        status="success",
        analysis=analysis,
        system=schemas.ResponseFigures(**requests, recent_response_times=figures.seconds(newest)),
        reasons=_reasons(requests, analysis.average_processing_time),
    )


@router.post("/session/start")
def start_session(
    parts: Parts,
    details: Annotated[  # noqa: ARG001 - taken for the contract's sake, and let go of unread
        dict[str, str] | None, Body(description="Accepted and not kept: an address, a browser")
    ] = None,
) -> schemas.SessionStarted:
    """Count a session; what the client tells of itself is not kept."""
    uid = parts.usage.sessions.start(parts.owner_id)
    return schemas.SessionStarted(status="success", session_id=uid, message=NOT_FOLLOWED)


@router.post("/session/{session_id}/end")
def end_session(parts: Parts, session_id: str) -> schemas.SessionEnded:
    """Count it no longer; an id that is not known is accepted."""
    known = parts.usage.sessions.end(parts.owner_id, session_id)
    message = "The session is ended." if known else "No such session was open."
    return schemas.SessionEnded(status="success", message=message)


@router.get("/cloudwatch/status")
def cloudwatch_status() -> schemas.CloudWatchStatus:
    """Nothing is sent to Amazon CloudWatch."""
    return schemas.CloudWatchStatus(cloudwatch_enabled=False, metrics_sent=0, reason=NOT_SENT)


def _reasons(requests: dict[str, Any], processing: float | None) -> dict[str, str]:
    found: dict[str, str] = {}
    if requests["error_rate"] is None:
        found |= dict.fromkeys(("error_rate", "average_response_time"), figures.NO_REQUEST)
    if processing is None:
        found["average_processing_time"] = figures.NO_ANALYSIS
    return found
