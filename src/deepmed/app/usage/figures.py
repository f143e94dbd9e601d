"""The counts behind the answers: from the database, and from what requests did."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from statistics import fmean

import psutil
from sqlalchemy.orm import Session

from deepmed.app.usage.schemas import (
    AnalysisFigures,
    DatabaseCounts,
    RequestFigures,
    TimeCounts,
)
from deepmed.core.health.samples import SystemMetrics
from deepmed.features.drawings.analysis import overviews, repository
from deepmed.features.drawings.analysis.decisions import ANSWERED
from deepmed.features.drawings.models import repository as models
from deepmed.kit.http.statistics import RequestRecord, RequestStatistics
from deepmed.kit.sizes import MIB

ANALYSIS_ROUTE = "/api/v1/analysis/analyze/{drawing_id}"
RECENT = 10
HOUR, DAY, WEEK, MONTH = (timedelta(hours=hours) for hours in (1, 24, 24 * 7, 24 * 30))

NO_ANALYSIS = "No drawing was analysed by a request of its own since the server began."
NO_REQUEST = "No request was answered since the server began."
NO_RECORD = "The server does not know when it was switched off."


def database_counts(session: Session, owner_id: int, now: datetime) -> DatabaseCounts:
    drawings, analyses = repository.totals(session, owner_id)
    flagged, unflagged = flags(session, owner_id)
    return DatabaseCounts(
        total_drawings=drawings,
        total_analyses=analyses,
        anomaly_count=flagged,
        normal_count=unflagged,
        recent_analyses_count=overviews.made_since(session, owner_id, now - HOUR),
        age_groups_count=len(models.active_models(session, owner_id)),
    )


def flags(session: Session, owner_id: int) -> tuple[int, int]:
    """Drawings whose newest answer is a flag, and those whose answer could have been one."""
    counted = repository.counts(session, owner_id)
    flagged = sum(row.number for row in counted if row.is_anomaly)
    answered = sum(row.number for row in counted if row.decision in ANSWERED)
    return flagged, answered - flagged


def time_counts(session: Session, owner_id: int, now: datetime) -> TimeCounts:
    daily, weekly, monthly = (
        overviews.made_since(session, owner_id, now - period) for period in (DAY, WEEK, MONTH)
    )
    return TimeCounts(daily_analyses=daily, weekly_analyses=weekly, monthly_analyses=monthly)


def request_figures(statistics: RequestStatistics, machine: SystemMetrics) -> RequestFigures:
    """All requests since the start, but for their times, which are of the newest thousand."""
    errors = statistics.errors()
    total, failed = errors["total_requests"], errors["client_errors"] + errors["server_errors"]
    return RequestFigures(
        total_requests=total,
        successful_requests=total - failed,
        failed_requests=failed,
        error_rate=failed / total if total else None,
        average_response_time=_mean(seconds(statistics.recent())),
        memory_usage_mb=round(psutil.Process().memory_info().rss / MIB, 1),
        cpu_usage_percent=machine.cpu_percent,
    )


def analysis_figures(
    session: Session, owner_id: int, statistics: RequestStatistics
) -> AnalysisFigures:
    times = seconds(analyses(statistics))
    flagged, unflagged = flags(session, owner_id)
    return AnalysisFigures(
        total_analyses=repository.totals(session, owner_id)[1],
        average_processing_time=_mean(times),
        recent_processing_times=times[:RECENT],
        anomaly_count=flagged,
        normal_count=unflagged,
    )


def analyses(statistics: RequestStatistics) -> list[RequestRecord]:
    """The requests among the newest thousand that analysed one drawing, newest first."""
    return [
        one
        for one in statistics.recent()
        if one.method == "POST" and one.route == ANALYSIS_ROUTE and one.status < 400
    ]


def seconds(records: Sequence[RequestRecord]) -> list[float]:
    return [round(one.seconds, 6) for one in records]


def _mean(times: Sequence[float]) -> float | None:
    return fmean(times) if times else None
