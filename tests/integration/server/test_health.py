"""Contract 2.7, operation by operation, and the routes beside /api/v1."""

from datetime import datetime, timedelta

import pytest
from fastapi.testclient import TestClient

from deepmed.core.health.monitor import HealthMonitor
from deepmed.core.home import Home
from deepmed.kit import clock
from factories import servers
from factories.servers import oneself

COMPONENTS = {"database", "file_storage", "system_resources", "ml_models", "api_endpoints"}
STATES = {"healthy", "warning", "critical", "unknown"}
FIGURES = {
    "cpu_percent",
    "memory_percent",
    "memory_available_gb",
    "memory_total_gb",
    "disk_percent",
    "disk_free_gb",
    "disk_total_gb",
    "active_connections",
    "process_count",
}
READS = [
    "/health",
    "/health/detailed",
    "/metrics",
    "/monitoring/logs",
    "/monitoring/alerts",
    "/api/v1/health",
    "/api/v1/health/detailed",
    "/api/v1/health/component/database",
    "/api/v1/metrics",
    "/api/v1/metrics/history",
    "/api/v1/alerts",
    "/api/v1/status",
]


@pytest.fixture
def client(opened: Home) -> TestClient:
    return servers.client(opened)


def is_now(text: str) -> bool:
    return abs(clock.now() - datetime.fromisoformat(text)) < timedelta(minutes=1)


@pytest.mark.req("S-1.1")
@pytest.mark.parametrize("path", READS)
def test_a_stranger_and_another_sites_page_get_nothing(opened: Home, path: str) -> None:
    assert servers.client(opened, peers=lambda _c, _s: None).get(path).status_code == 403
    origin = {"origin": "http://evil.example"}
    assert servers.client(opened, peers=oneself).get(path, headers=origin).status_code == 403


def test_health(client: TestClient) -> None:
    body = client.get("/api/v1/health").json()
    assert body.keys() == {"status", "service", "timestamp"}
    assert body["status"] == "healthy"
    assert is_now(body["timestamp"])


def test_detailed_health(client: TestClient) -> None:
    body = client.get("/api/v1/health/detailed").json()
    assert body.keys() == {
        "status",
        "service",
        "timestamp",
        "components",
        "alerts",
        "alert_count",
    }
    assert body["components"].keys() == COMPONENTS
    for component in body["components"].values():
        assert component.keys() == {
            "status",
            "message",
            "details",
            "last_check",
            "response_time_ms",
        }
        assert component["status"] in STATES
        assert is_now(component["last_check"])
    assert body["alert_count"] == len(body["alerts"])


@pytest.mark.parametrize("name", sorted(COMPONENTS))
def test_one_component(client: TestClient, name: str) -> None:
    body = client.get(f"/api/v1/health/component/{name}").json()
    assert body["component"] == name
    assert body["status"] in STATES
    assert body["response_time_ms"] >= 0


def test_an_unknown_component(client: TestClient) -> None:
    answer = client.get("/api/v1/health/component/kitchen")
    assert answer.status_code == 404
    assert isinstance(answer.json()["detail"], str)


def test_metrics_and_their_history(client: TestClient) -> None:
    body = client.get("/api/v1/metrics").json()
    assert body.keys() == {"timestamp", "system"}
    assert body["system"].keys() == FIGURES
    history = client.get("/api/v1/metrics/history").json()
    assert (history["period_hours"], history["data_points"]) == (1, 1)
    assert history["metrics"] == [{"timestamp": body["timestamp"], **body["system"]}]


@pytest.mark.parametrize(
    ("hours", "status"), [(0, 422), (1, 200), (24, 200), (25, 422), ("x", 422)]
)
def test_the_hours_have_bounds(client: TestClient, hours: object, status: int) -> None:
    answer = client.get("/api/v1/metrics/history", params={"hours": str(hours)})
    assert answer.status_code == status
    if status == 422:
        assert isinstance(answer.json()["detail"], list)


def test_alerts_and_status_follow_the_thresholds(client: TestClient) -> None:
    client.get("/api/v1/metrics")
    answer = client.post("/api/v1/alerts/thresholds", json={"memory_percent": 0})
    assert answer.json()["updated_thresholds"] == {"memory_percent": 0}
    assert answer.json()["current_thresholds"]["memory_percent"] == 0
    body = client.get("/api/v1/alerts").json()
    found = [alert for alert in body["alerts"] if "memory" in alert["message"]]
    assert len(found) == 1
    assert found[0].keys() == {"component", "severity", "message", "timestamp", "details"}
    assert found[0]["component"] == "system_resources"
    assert found[0]["severity"] in {"warning", "critical"}
    status = client.get("/api/v1/status").json()
    assert status["components"].keys() == COMPONENTS
    assert status["overall_status"] in {"warning", "critical"}
    assert status["alert_count"] == status["critical_alerts"] + status["warning_alerts"]
    assert status["alert_count"] >= 1


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"cpu": 5}, 400),
        ({"cpu_percent": 101}, 400),
        ({"cpu_percent": -1}, 400),
        ({"response_time_ms": 0}, 400),
        ({"cpu_percent": "much"}, 422),
        ([1], 422),
        ({"cpu_percent": 0, "disk_percent": 100, "response_time_ms": 0.1}, 200),
    ],
)
def test_thresholds_have_names_and_bounds(client: TestClient, changes: object, status: int) -> None:
    answer = client.post("/api/v1/alerts/thresholds", json=changes)
    assert answer.status_code == status


class TestRoot:
    def test_detailed_health(self, client: TestClient) -> None:
        body = client.get("/health/detailed").json()
        assert body["system"].keys() == {
            "cpu_percent",
            "memory_percent",
            "disk_percent",
            "process_id",
        }
        assert body["database"]["status"] == "healthy"
        assert body["storage"].keys() == {"upload_dir", "static_dir", "max_file_size"}
        assert body["resources"]["active_requests"] == 1
        assert body.keys() >= {"security", "errors", "service", "version", "timestamp", "status"}

    def test_metrics(self, client: TestClient) -> None:
        client.get("/api/v1/health/component/kitchen")
        body = client.get("/metrics").json()
        assert body["system"]["memory"].keys() == {"percent", "available", "total"}
        assert body["system"]["disk"].keys() == {"percent", "free", "total"}
        assert body["errors"]["by_code"] == {"not_found": 1}
        assert body["application"]["active_models"] == 0
        assert body["monitoring"]["requests"] == 1

    def test_logs(self, client: TestClient) -> None:
        answer = client.get("/api/v1/health/component/kitchen")
        body = client.get("/monitoring/logs?limit=1").json()
        assert (body["total_logs"], body["limit"], len(body["logs"])) == (1, 1, 1)
        line = body["logs"][0]
        assert line["correlation_id"] == answer.headers["x-request-id"]
        assert line["operation"] == "GET /api/v1/health/component/{component_name}"
        assert (line["success"], line["error_message"]) == (False, "not_found")
        assert line.keys() >= {"timestamp", "level", "message", "component"}

    def test_alerts_are_failures_of_ours(
        self, client: TestClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(HealthMonitor, "check_all", lambda _self: 1 / 0)
        failed = client.get("/api/v1/status")
        assert (failed.status_code, failed.json()["type"]) == (500, "internal_error")
        client.get("/api/v1/health/component/kitchen")
        body = client.get("/monitoring/alerts").json()
        assert (body["total_alerts"], body["limit"]) == (1, 50)
        assert body["alerts"][0]["alert_id"] == failed.headers["x-error-id"]
        assert body["alerts"][0]["success"] is False
