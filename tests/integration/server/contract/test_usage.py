"""Contract 2.10: usage is counted from the database and from requests, and follows nobody."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from factories.api import Api

PRIVATE = {"ip_address": "203.0.113.77", "user_agent": "a browser with a name of its own"}


def one(api: Api, query: str) -> Any:
    with closing(sqlite3.connect(api.home.settings.home / "deepmed.db")) as database:
        return database.execute(query).fetchone()[0]


@pytest.fixture
def fresh(settled: Api) -> Api:
    """A server that has answered nothing yet, on the analysed folder."""
    return Api.of(settled.home)


def test_the_database_is_counted(fresh: Api) -> None:
    found = fresh.get("/metrics/usage")["data"]
    counts = found["database"]
    assert counts["total_drawings"] == one(fresh, "SELECT count(*) FROM drawings")
    assert counts["total_analyses"] == one(fresh, "SELECT count(*) FROM anomaly_analyses") > 0
    newest = "SELECT count(*) FROM anomaly_analyses WHERE current_of IS NOT NULL AND "
    assert counts["anomaly_count"] == one(fresh, newest + "is_anomaly")
    assert counts["normal_count"] == one(
        fresh, newest + "NOT is_anomaly AND decision IN ('ranked', 'manual')"
    )
    assert counts["age_groups_count"] == one(
        fresh, "SELECT count(*) FROM age_group_models WHERE is_active AND kind = 'group'"
    )
    assert counts == fresh.get("/metrics/usage")["data"]["database"]
    statistics = fresh.get("/analysis/stats")
    for name in ("anomaly_count", "normal_count", "total_analyses", "total_drawings"):
        assert counts[name] == statistics[name]


def test_analyses_are_counted_by_how_old_they_are(api: Api) -> None:
    for drawing in range(1, 6):
        api.json("POST", f"/analysis/analyze/{drawing}", params={"explain": False})
    ages = [timedelta(minutes=5), timedelta(hours=3), timedelta(days=3), timedelta(days=20)]
    with closing(sqlite3.connect(api.home.settings.home / "deepmed.db")) as database:
        for drawing, age in enumerate([*ages, timedelta(days=40)], 1):
            moment = (datetime.now(UTC) - age).strftime("%Y-%m-%d %H:%M:%S.%f")
            database.execute(
                "UPDATE anomaly_analyses SET analysis_timestamp = ? WHERE drawing_id = ?",
                (moment, drawing),
            )
        database.commit()
    found = api.get("/metrics/usage")["data"]
    assert found["time_based"] == {
        "daily_analyses": 2,
        "weekly_analyses": 3,
        "monthly_analyses": 4,
    }
    assert found["database"]["recent_analyses_count"] == 1


def test_requests_are_counted_from_the_start_of_the_server(fresh: Api) -> None:
    for path in ("/drawings/1", "/drawings/2", "/drawings/999999", "/security/status"):
        fresh.ask("GET", path)
    found = fresh.get("/metrics/usage")["data"]["system_health"]
    assert (found["total_requests"], found["successful_requests"]) == (4, 2)
    assert (found["failed_requests"], found["error_rate"]) == (2, 0.5)
    assert found["average_response_time"] > 0
    assert found["memory_usage_mb"] > 10
    assert 0 <= found["cpu_usage_percent"] <= 100
    assert found["uptime_seconds"] > 0
    assert found["uptime_percentage"] is None
    assert set(found["reasons"]) == {"uptime_percentage", "average_processing_time"}


def test_times_are_of_what_was_asked(fresh: Api) -> None:
    empty = fresh.get("/metrics/performance")
    assert empty["analysis"]["average_processing_time"] is None
    assert empty["system"]["error_rate"] is None
    assert empty["system"]["recent_response_times"] == []
    assert set(empty["reasons"]) == {
        "error_rate",
        "average_response_time",
        "average_processing_time",
    }
    for drawing in (1, 2, 3, 1):
        fresh.json("POST", f"/analysis/analyze/{drawing}", params={"explain": False})
    fresh.ask("POST", "/analysis/analyze/999999")
    found = fresh.get("/metrics/performance")
    times = found["analysis"]["recent_processing_times"]
    assert len(times) == 4
    assert found["analysis"]["average_processing_time"] == pytest.approx(sum(times) / 4)
    statistics = fresh.client.app.state.resources.statistics  # type: ignore[attr-defined]  # Starlette's type says ASGI
    seconds = [round(record.seconds, 6) for record in statistics.recent()][1:]
    assert found["system"]["recent_response_times"] == seconds
    assert found["system"]["average_response_time"] == pytest.approx(sum(seconds) / len(seconds))
    assert found["reasons"] == {}
    for _ in range(12):
        fresh.get("/metrics/sessions")
    assert len(fresh.get("/metrics/performance")["system"]["recent_response_times"]) == 10


def texts(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield str(key)
            yield from texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from texts(inner)
    else:
        yield str(value)


@pytest.mark.req("S-13.1")
def test_a_session_is_counted_and_nothing_of_it_is_kept(
    fresh: Api, capfd: pytest.CaptureFixture[str]
) -> None:
    begun = fresh.json("POST", "/metrics/session/start", json=PRIVATE)
    again = fresh.json("POST", "/metrics/session/start")
    assert begun["session_id"] != again["session_id"]
    found = fresh.get("/metrics/sessions")
    assert found["sessions"]["active_sessions"] == 2
    assert found["geographic_distribution"] == {}
    assert found["geographic_reason"]
    ended = fresh.json("POST", f"/metrics/session/{begun['session_id']}/end")
    assert ended["message"] == "The session is ended."
    left = fresh.get("/metrics/usage")["data"]["sessions"]
    counts = (left["active_sessions"], left["started_sessions"], left["ended_sessions"])
    assert counts == (1, 2, 1)
    assert (left["total_page_views"], left["total_session_analyses"]) == (None, None)
    book = fresh.client.app.state.usage.sessions  # type: ignore[attr-defined]  # as above
    told = [*texts(fresh.get("/metrics/usage")), *texts(vars(book)), *capfd.readouterr()]
    for value in PRIVATE.values():
        assert not any(value in text for text in told)
    assert one(fresh, "SELECT count(*) FROM sqlite_master WHERE name LIKE '%session%'") == 0


def test_an_unknown_session_may_be_ended(fresh: Api) -> None:
    assert fresh.json("POST", "/metrics/session/whatever/end")["status"] == "success"
    assert fresh.get("/metrics/sessions")["sessions"]["ended_sessions"] == 0


@pytest.mark.parametrize("body", [[], {"ip_address": 5}, {"a": {"b": "c"}}, "x"])
def test_what_is_no_description_of_a_session_is_refused(fresh: Api, body: Any) -> None:
    assert fresh.ask("POST", "/metrics/session/start", json=body).status_code == 422
    assert fresh.get("/metrics/sessions")["sessions"]["started_sessions"] == 0


@pytest.mark.req("S-3.1")
def test_anothers_sessions_and_drawings_are_not_counted(api: Api) -> None:
    uid = api.json("POST", "/metrics/session/start")["session_id"]
    stranger = api.stranger()
    stranger.client.app.state.usage = api.client.app.state.usage  # type: ignore[attr-defined]  # as above
    found = stranger.get("/metrics/usage")["data"]
    assert set(found["database"].values()) == {0}
    assert found["sessions"]["active_sessions"] == 0
    stranger.json("POST", f"/metrics/session/{uid}/end")
    assert api.get("/metrics/sessions")["sessions"]["active_sessions"] == 1


def test_the_health_is_that_of_the_components(fresh: Api) -> None:
    found = fresh.get("/metrics/health")
    components = fresh.get("/health/detailed")["components"]
    assert found["health"] == {name: one["status"] for name, one in components.items()}
    ill = "critical" in found["health"].values()  # the machine that tests run on may be busy
    assert found["status"] == ("unhealthy" if ill else "healthy")
    assert (found["error"] is not None) is ill
    assert found["system"]["process_id"] == fresh.get("/metrics/health")["system"]["process_id"]


def test_what_does_not_answer_is_unhealthy(fresh: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    from deepmed.core.health import probes

    def broken(_home: Any) -> Any:
        raise OSError

    monkeypatch.setattr(probes, "file_storage", broken)
    found = fresh.get("/metrics/health")
    assert found["status"] == "unhealthy"
    assert found["health"]["file_storage"] == "critical"
    assert found["error"]


@pytest.mark.req("S-25.1")
def test_nothing_is_sent_to_a_cloud(fresh: Api) -> None:
    found = fresh.get("/metrics/cloudwatch/status")
    assert (found["cloudwatch_enabled"], found["metrics_sent"]) == (False, 0)
    assert (found["aws_region"], found["namespace"]) == (None, None)
    assert "GET /metrics" in found["reason"]
