"""One question to each thing that the server stands on."""

from collections.abc import Callable, Mapping

from sqlalchemy import text

from deepmed.core.health.components import Finding, State, worst
from deepmed.core.health.samples import SystemMetrics
from deepmed.core.health.thresholds import CRITICAL_PERCENT
from deepmed.core.home import Home
from deepmed.kit.http.statistics import RequestStatistics
from deepmed.kit.logging import mask_url

Probe = Callable[[], Finding]
Limits = Mapping[str, float]
SHARES = {"cpu_percent": "processor", "memory_percent": "memory", "disk_percent": "disk"}
ERROR_RATE_WARNING, ERROR_RATE_CRITICAL = 0.05, 0.25
LEAST_REQUESTS = 20
"""Fewer say nothing about a rate."""
_ABSENT = "health/probe"


def database(home: Home) -> Finding:
    with home.database.read() as session:
        session.execute(text("SELECT 1"))
    engine = home.database.engine.url.get_backend_name()
    return Finding(State.HEALTHY, "The database answers.", {"engine": engine})


def file_storage(home: Home) -> Finding:
    home.storage.exists(_ABSENT)
    url = mask_url(home.settings.resolved_storage_url)
    return Finding(State.HEALTHY, "The file store answers.", {"url": url})


def system_resources(metrics: SystemMetrics, limits: Limits) -> Finding:
    found = {name: share_state(getattr(metrics, name), limits[name]) for name in SHARES}
    state = worst(found.values())
    high = [SHARES[name] for name, one in found.items() if one is not State.HEALTHY]
    message = f"In heavy use: {', '.join(high)}." if high else "The machine has room."
    details = {name: getattr(metrics, name) for name in SHARES}
    return Finding(state, message, {**details, "disk_free_gb": metrics.disk_free_gb})


def share_state(percent: float, threshold: float) -> State:
    """A threshold above the critical line moves that line up."""
    if percent >= max(CRITICAL_PERCENT, threshold):
        return State.CRITICAL
    return State.WARNING if percent >= threshold else State.HEALTHY


def api_endpoints(statistics: RequestStatistics, limits: Limits) -> Finding:
    lately = statistics.lately()
    if not lately["requests"]:
        return Finding(State.HEALTHY, "No request in the last five minutes.", lately)
    rate, slow = lately["error_rate"], lately["p95_response_time_ms"]
    enough = lately["requests"] >= LEAST_REQUESTS
    if enough and rate >= ERROR_RATE_CRITICAL:
        return Finding(State.CRITICAL, "Many requests fail here.", lately)
    if enough and rate >= ERROR_RATE_WARNING:
        return Finding(State.WARNING, "Some requests fail here.", lately)
    if enough and slow > limits["response_time_ms"]:
        return Finding(State.WARNING, "Answers take longer than the threshold.", lately)
    return Finding(State.HEALTHY, "Requests are answered.", lately)
