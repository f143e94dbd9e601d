"""Backups as people see them."""

import html
import re

import pytest
from fastapi.testclient import TestClient

from deepmed.core.audit import repository as audit
from deepmed.core.backups import schedule
from deepmed.core.backups.service import BackupService
from deepmed.core.home import Home
from deepmed.kit.http.caller import Role
from factories import servers
from factories.api import Api

BROWSER = {"accept": "text/html"}
WORD = "eight or more"


@pytest.fixture
def client(opened: Home) -> TestClient:
    return servers.client(opened)


def read(client: TestClient, path: str = "/backups", status: int = 200) -> str:
    answer = client.get(path, headers=BROWSER)
    assert answer.status_code == status, answer.text
    return html.unescape(answer.text)


def chips(text: str) -> list[str]:
    return re.findall(r'<span class="chip ?\w*">([^<]+)<', text)


def damage(service: BackupService, name: str) -> None:
    """A byte in the middle of the file is another one, as a failing disk leaves it."""
    path = service.find(name).path
    content = bytearray(path.read_bytes())
    content[len(content) // 3] ^= 0xFF
    path.write_bytes(content)


def read_back(service: BackupService, client: TestClient, name: str) -> str:
    """The page of the job that reads it."""
    place = client.post(f"/backups/{name}/verify").json()
    assert place["page"] == "jobs"
    Api(service.home, client).work_off()
    return f"/jobs/{place['id']}"


@pytest.mark.req("U-8.1")
@pytest.mark.req("U-11.1")
def test_an_empty_page_shows_the_first_step_and_then_the_clock(
    opened: Home, client: TestClient
) -> None:
    text = read(client)
    assert "There is no backup yet" in text
    assert 'data-send="POST /backups"' in text
    assert "No backups are made by the clock." in text
    schedule.set_interval(opened, 12)
    assert "<strong>12 hours</strong>" in read(client)


@pytest.mark.req("U-8.1")
def test_a_backup_is_made_as_a_job_whose_page_leads_to_it(opened: Home, client: TestClient) -> None:
    place = client.post("/backups", json={"kind": "database", "passphrase": None}).json()
    assert place["page"] == "jobs"
    assert "/backups/db_backup" not in read(client, f"/jobs/{place['id']}")
    Api(opened, client).work_off()
    (made,) = BackupService.of(opened).list()
    assert f'href="/backups/{made.name}"' in read(client, f"/jobs/{place['id']}")
    assert made.name in read(client, f"/backups/{made.name}")


@pytest.mark.req("U-8.1")
@pytest.mark.req("U-11.1")
def test_a_backup_says_whether_it_was_read_back_and_what_was_found(
    service: BackupService, client: TestClient
) -> None:
    name = service.create("full").file.name
    assert chips(read(client)) == ["not read back yet"]
    read_back(service, client, name)
    assert chips(read(client)) == ["whole"]
    damage(service, name)
    assert chips(read(client)) == ["not read back yet"]  # it was written since
    job = read_back(service, client, name)
    assert chips(read(client)) == ["damaged"]
    text = read(client, f"/backups/{name}")
    assert "note bad" in text
    assert f"/backups/{name}/restore" not in text
    assert f'href="/backups/{name}"' in read(client, job)


@pytest.mark.req("U-11.1")
def test_what_is_no_backup_any_more_has_a_page_that_says_so(
    service: BackupService, client: TestClient
) -> None:
    file = service.create("full").file
    file.path.write_bytes(b"nothing of it is left")
    for path in (f"/backups/{file.name}", f"/backups/{file.name}/restore"):
        text = read(client, path)
        assert "The file is not a backup, or it is cut off." in text
        assert f'data-send="POST /backups/{file.name}/restore"' not in text
    for name in ("full_backup_20260101_000000.zip", "..%2Fdeepmed.zip", "nothing"):
        assert read(client, f"/backups/{name}", 404)


def test_a_typed_passphrase_encrypts_at_once_and_is_kept_nowhere(
    opened: Home, client: TestClient
) -> None:
    for first, second in ((WORD, "eight or less"), ("short", "short"), (WORD, None)):
        wanted = {"passphrase": first, "passphrase_again": second}
        assert client.post("/backups", json=wanted).status_code == 400
    assert BackupService.of(opened).list() == []
    place = client.post("/backups", json={"passphrase": WORD, "passphrase_again": WORD}).json()
    assert place["page"] == "backups"
    assert place["id"].endswith(".zip.enc")
    assert "encrypted with a passphrase of its own" in read(client, f"/backups/{place['id']}")
    assert client.post(f"/backups/{place['id']}/verify", json={"passphrase": WORD}).json() == place
    refused = client.post(f"/backups/{place['id']}/verify", json={"passphrase": "another one"})
    assert refused.status_code == 400
    assert chips(read(client)) == ["whole"]
    files = [path for path in opened.settings.home.rglob("*") if path.is_file()]
    assert not [path for path in files if WORD.encode() in path.read_bytes()]


@pytest.mark.req("U-11.1")
def test_a_restore_is_told_beforehand_and_leaves_a_way_forward(
    service: BackupService, client: TestClient
) -> None:
    name = service.create("full").file.name
    text = read(client, f"/backups/{name}/restore")
    assert "The state of now is backed up first" in text
    assert 'data-words="restore"' in text
    with service.home.database.write() as session:
        audit.record(session, service.home.owner_id, "since", "test", 1)
    told = client.post(f"/backups/{name}/restore").json()["message"]
    newest = service.list()[0].name
    assert newest != name
    assert newest in told
    with service.home.database.read() as session:
        events = {event.action for event in audit.history(session, service.home.owner_id)}
    assert "since" not in events


def test_backups_are_an_administrators(opened: Home, client: TestClient) -> None:
    operator = servers.client(opened, role=Role.OPERATOR)
    for path in ("/backups", "/backups/full_backup_20260101_000000.zip"):
        assert operator.get(path, headers=BROWSER).status_code == 403
    assert 'href="/backups"' not in read(operator, "/jobs")
    assert 'href="/backups"' in read(client, "/jobs")
