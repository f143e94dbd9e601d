from datetime import timedelta
from typing import Any

import pytest

from deepmed.core.audit.repository import history
from deepmed.core.health import probes
from deepmed.core.health.components import Finding, State, worst
from deepmed.core.health.monitor import HealthMonitor
from deepmed.core.health.samples import Sampler, SystemMetrics
from deepmed.core.home import Home
from deepmed.kit import clock
from deepmed.kit.errors import ValidationError
from deepmed.kit.http.statistics import RequestRecord, RequestStatistics

pytestmark = pytest.mark.usefixtures("logs_of_every_level")

NAMES = ["database", "file_storage", "system_resources", "ml_models", "api_endpoints"]


def metrics(**shares: float) -> SystemMetrics:
    found: dict[str, Any] = {"cpu_percent": 10, "memory_percent": 10, "disk_percent": 10}
    rest = (1.0, 2.0), (5.0, 10.0), (0, 9)
    found |= shares
    return SystemMetrics(
        clock.now(),
        found["cpu_percent"],
        found["memory_percent"],
        *rest[0],
        found["disk_percent"],
        *rest[1],
        *rest[2],
    )


def requests(count: int, failed: int = 0, seconds: float = 0.01) -> RequestStatistics:
    statistics = RequestStatistics()
    for number in range(count):
        status = 500 if number < failed else 200
        statistics.begin()
        statistics.end(RequestRecord("id", clock.now(), "GET", "/x", status, seconds, None, None))
    return statistics


def monitor(
    opened: Home,
    models: Finding | None = None,
    statistics: RequestStatistics | None = None,
    **shares: float,
) -> HealthMonitor:
    finding = models or Finding(State.HEALTHY, "Models.")
    sampler = Sampler(lambda: metrics(**shares))
    return HealthMonitor(opened, statistics or RequestStatistics(), lambda: finding, sampler)


def test_all_is_well_on_a_new_data_folder(opened: Home) -> None:
    made = monitor(opened)
    found = made.check_all()
    assert list(found) == NAMES == made.component_names
    assert {status.status for status in found.values()} == {State.HEALTHY}
    assert found["database"].response_time_ms > 0  # the quickest round to nothing
    assert made.get_overall_status(found) is State.HEALTHY
    assert made.get_alerts(found) == []


def test_a_probe_that_fails_is_told_without_its_words(
    opened: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_home: Home) -> Finding:
        raise OSError("/a/path/of/a/person")

    monkeypatch.setattr(probes, "file_storage", broken)
    made = monitor(opened)
    found = made.check_all()
    assert found["file_storage"].status is State.CRITICAL
    assert found["system_error"].details == {"components": ["file_storage"]}
    assert "person" not in str(found)
    assert made.get_overall_status(found) is State.CRITICAL
    assert [alert.component for alert in made.get_alerts(found)] == ["file_storage", "system_error"]


def test_a_lost_database_is_told_and_nothing_else_breaks(
    opened: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone() -> None:
        raise OSError

    monkeypatch.setattr(opened.database, "read", gone)
    found = monitor(opened).check_all()
    assert found["database"].status is State.CRITICAL
    assert found["file_storage"].status is State.HEALTHY


@pytest.mark.parametrize(
    ("percent", "state"),
    [(79.9, State.HEALTHY), (80, State.WARNING), (94.9, State.WARNING), (95, State.CRITICAL)],
)
def test_a_share_is_held_to_its_threshold(opened: Home, percent: float, state: State) -> None:
    made = monitor(opened, cpu_percent=percent)
    found = made.check_all()
    assert found["system_resources"].status is state
    assert [alert.severity for alert in made.get_alerts(found)] == (
        [] if state is State.HEALTHY else [state]
    )


def test_each_share_has_its_own_alert(opened: Home) -> None:
    made = monitor(opened, cpu_percent=85, disk_percent=99)
    alerts = made.get_alerts(made.check_all())
    assert [(alert.severity, alert.details["value"]) for alert in alerts] == [
        (State.WARNING, 85),
        (State.CRITICAL, 99),
    ]
    assert "processor" in alerts[0].message


def test_a_threshold_above_the_critical_line_moves_it(opened: Home) -> None:
    made = monitor(opened, disk_percent=97)
    made.update_alert_thresholds({"disk_percent": 98}, opened.owner_id)
    assert made.check_all()["system_resources"].status is State.HEALTHY


@pytest.mark.parametrize(
    ("count", "failed", "seconds", "state"),
    [
        (100, 0, 0.01, State.HEALTHY),
        (100, 4, 0.01, State.HEALTHY),
        (100, 5, 0.01, State.WARNING),
        (100, 25, 0.01, State.CRITICAL),
        (100, 0, 6.0, State.WARNING),
        (10, 10, 6.0, State.HEALTHY),  # too few to speak of a rate
    ],
)
def test_the_api_is_as_its_requests(
    opened: Home, count: int, failed: int, seconds: float, state: State
) -> None:
    made = monitor(opened, statistics=requests(count, failed, seconds))
    status = made.check("api_endpoints")
    assert status is not None
    assert status.status is state
    assert status.details["requests"] == count


def test_the_models_probe_comes_from_the_application(opened: Home) -> None:
    made = monitor(opened, Finding(State.WARNING, "Train again.", {"stale": 2}))
    found = made.check_all()
    assert found["ml_models"].details == {"stale": 2}
    assert [alert.message for alert in made.get_alerts(found)] == ["Train again."]


class TestThresholds:
    def test_they_outlive_the_server_and_are_audited(self, opened: Home) -> None:
        after = monitor(opened).update_alert_thresholds({"cpu_percent": 42}, opened.owner_id)
        assert after == {
            "cpu_percent": 42,
            "memory_percent": 85,
            "disk_percent": 90,
            "response_time_ms": 5000,
        }
        again = monitor(opened, cpu_percent=50)
        assert again.check_all()["system_resources"].status is State.WARNING
        with opened.database.read() as session:
            event = history(session, opened.owner_id)[0]
        assert event.action == "health.thresholds"
        assert (event.details["before"]["cpu_percent"], event.details["after"]["cpu_percent"]) == (
            80,
            42,
        )

    @pytest.mark.parametrize(
        "changes",
        [
            {"cpu": 50},
            {"cpu_percent": 100.1},
            {"disk_percent": -1},
            {"response_time_ms": 0},
            {"response_time_ms": float("inf")},
            {"memory_percent": float("nan")},
        ],
    )
    def test_a_wrong_one_changes_none(self, opened: Home, changes: dict[str, float]) -> None:
        made = monitor(opened)
        with pytest.raises(ValidationError):
            made.update_alert_thresholds({"memory_percent": 20, **changes}, opened.owner_id)
        assert made.update_alert_thresholds({}, opened.owner_id)["memory_percent"] == 85


def test_metrics_are_looked_at_where_nobody_did_yet(opened: Home) -> None:
    made = monitor(opened, cpu_percent=33)
    assert made.get_metrics_history(1) == []
    assert made.metrics().cpu_percent == 33
    assert made.metrics() is made.sampler.latest()
    assert made.sampler.since(timedelta(hours=1)) == [made.metrics()]


def test_the_worst_of_nothing_is_unknown() -> None:
    assert worst([]) is State.UNKNOWN
    assert worst([State.WARNING, State.CRITICAL, State.HEALTHY]) is State.CRITICAL
