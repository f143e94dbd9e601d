"""What is not offered says so, and where it is, and does not look like a failure."""

import re

import pytest
from starlette.testclient import TestClient

from deepmed.app.not_offered import PROBLEM, TABLE
from deepmed.core.home import Home
from factories import servers

OPERATIONS = [(method, path, group.instead) for group in TABLE for method, path in group.each()]
COUNTS = {"security": 8, "cost-optimization": 6, "documentation": 22, "auth": 2}


@pytest.fixture
def client(opened: Home) -> TestClient:
    return servers.client(opened)


def test_the_contracts_operations_are_all_there() -> None:
    for tag, number in COUNTS.items():
        assert sum(len(group.each()) for group in TABLE if group.tag == tag) == number
    assert len({(method, path) for method, path, _ in OPERATIONS}) == len(OPERATIONS)


def test_each_tells_what_to_do_instead(client: TestClient) -> None:
    for method, path, instead in OPERATIONS:
        place = re.sub(r"\{[^}]+\}", "a/b" if ":path" in path else "a", path)
        answer = client.request(method, place)
        told = answer.json()
        assert (answer.status_code, told["detail"]) == (501, instead), place
        standard = answer.headers["content-type"] == PROBLEM
        assert standard is path.startswith("/api/")
        if standard:
            found = (told["status"], told["code"], told["title"])
            assert found == (501, "not_offered", "Not Implemented")


def test_the_description_of_the_interface_promises_nothing_else(client: TestClient) -> None:
    paths = client.get("/api/v1/openapi.json").json()["paths"]
    for method, path, instead in OPERATIONS:
        described = paths[path.replace(":path", "")][method.lower()]
        assert list(described["responses"]) == ["501"]
        assert described["description"] == instead
        named = {place["name"] for place in described.get("parameters", ())}
        assert named == set(re.findall(r"\{(\w+)", path))


def test_the_named_settings_commands_and_addresses_exist(client: TestClient) -> None:
    from deepmed.app.access import ROLES
    from deepmed.kit.settings import Settings

    for group in TABLE:
        for name in re.findall(r"DEEPMED_(\w+)", group.instead):
            assert name.lower() in Settings.model_fields
        for operation in re.findall(r"(?:GET|POST) /[\w/-]+", group.instead):
            assert operation in ROLES
    assert client.get("/docs").status_code == 200


def test_asking_for_it_is_no_failure_of_the_server(client: TestClient) -> None:
    for _ in range(5):
        client.get("/api/v1/security/status")
    assert client.get("/monitoring/alerts").json()["alerts"] == []
    errors = client.get("/metrics").json()["errors"]
    assert (errors["server_errors"], errors["by_code"]["not_offered"]) == (0, 5)
    logs = client.get("/monitoring/logs").json()["logs"]
    assert {one["level"] for one in logs} == {"INFO"}
