"""Contract 2.8 and 2.11: what backups, exports and the database's upkeep answer, and refuse."""

import csv
import io
import json
import shutil
import sqlite3
import zipfile
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from deepmed.core.backups import routes
from deepmed.core.jobs.tables import Job
from deepmed.features.drawings.tables import Drawing
from deepmed.kit import clock
from deepmed.kit.database import migration
from deepmed.kit.errors import StorageError
from deepmed.kit.http.caller import Role
from deepmed.kit.storage import FileStorageService
from factories import servers
from factories.api import PREFIX, Api
from factories.backups import ODD, add_drawing, delete_drawing, pictures

OTHER = "DEEPMED_OTHER_DATABASE_URL"


@pytest.fixture
def filled(empty: Api) -> Api:
    for _ in range(3):
        add_drawing(empty.home)
    return empty


def refused(api: Api, status: int, method: str, path: str, **content: Any) -> str:
    answer = api.ask(method, path, **content)
    assert answer.status_code == status, answer.text
    detail = answer.json()["detail"]
    assert isinstance(detail, list if status == 422 else str)
    return str(detail)


def sent(content: bytes, name: str = "mine.zip") -> dict[str, Any]:
    return {"files": {"file": (name, content, "application/zip")}}


def no_room(answer: httpx.Response) -> dict[str, Any]:
    """The contract's body of a storage failure."""
    body: dict[str, Any] = answer.json()
    assert (answer.status_code, body["type"]) == (507, "system_error")
    assert body["error"] == body["detail"]
    assert body["request_id"] == answer.headers["x-request-id"]
    return body


class TestMaking:
    @pytest.mark.req("D-21.1")
    def test_a_full_backup_is_complete_when_it_is_answered(self, filled: Api) -> None:
        made = filled.json("POST", "/backup/full")
        path = filled.home.settings.home / made["backup_path"]
        assert path.name == f"{made['backup_name']}.zip"
        assert made["size_bytes"] == path.stat().st_size
        assert made["size_mb"] == round(path.stat().st_size / 1024**2, 2)
        assert (made["includes_files"], made["encrypted"], made["lost_files"]) == (True, False, 0)
        age = datetime.now(UTC) - datetime.fromisoformat(made["timestamp"])
        assert timedelta(0) <= age < timedelta(minutes=1)
        with zipfile.ZipFile(path) as packed:
            assert sum(name.startswith("files/uploads") for name in packed.namelist()) == 3

    def test_files_can_be_left_out(self, filled: Api) -> None:
        for made in (
            filled.json("POST", "/backup/full", params={"include_files": False}),
            filled.json("POST", "/backup/database"),
        ):
            assert made["backup_path"].startswith("backups/db_backup_")
        assert filled.json("POST", "/database/backup")["backup_info"]["type"] == "database"
        whole = filled.json("POST", "/database/backup", json={"include_files": True})
        assert whole["backup_info"]["type"] == "full"

    def test_a_second_place_must_be_set(self, filled: Api, tmp_path: Path) -> None:
        wanted = {"upload_to_s3": True}
        assert OTHER not in refused(filled, 400, "POST", "/database/backup", json=wanted)
        assert filled.get("/backup/list")["backup_count"] == 0
        url = (tmp_path / "copies").as_uri()
        settings = filled.home.settings.model_copy(update={"backup_copy_url": url})
        copying = Api.of(type(filled.home)(settings, filled.home.database, filled.home.owner_id))
        made = copying.json("POST", "/database/backup", json=wanted)["backup_info"]
        assert (tmp_path / "copies" / made["name"]).stat().st_size == made["size_bytes"]
        alone = copying.json("POST", "/database/backup", json={"upload_to_s3": False})
        assert not (tmp_path / "copies" / alone["backup_info"]["name"]).exists()

    def test_what_takes_minutes_is_no_work_for_a_request(
        self, filled: Api, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(routes, "LARGEST_AT_ONCE", 1000)
        for path in ("/backup/full", "/backup/database", "/database/backup"):
            assert "--background" in refused(filled, 413, "POST", path)

    @pytest.mark.parametrize("path", ["/backup/full", "/backup/database", "/database/backup"])
    def test_without_room_for_it_none_is_made(
        self, filled: Api, monkeypatch: pytest.MonkeyPatch, path: str
    ) -> None:
        usage = shutil.disk_usage(filled.home.settings.home)._replace(free=1000)
        monkeypatch.setattr("shutil.disk_usage", lambda _: usage)
        body = no_room(filled.ask("POST", path))
        assert "make room" in body["detail"]
        assert filled.get("/backup/list")["backup_count"] == 0

    def test_another_one_under_way_is_told(self, filled: Api) -> None:
        folder = routes.BackupService.of(filled.home).folder
        with folder.work():
            assert "under way" in refused(filled, 409, "POST", "/backup/full")


class TestKeeping:
    def test_the_newest_is_listed_first(self, filled: Api) -> None:
        names = [Path(filled.json("POST", "/backup/full")["backup_path"]).name for _ in range(2)]
        found = filled.get("/backup/list")
        assert [item["name"] for item in found["backups"]] == names[::-1]
        assert found["backup_count"] == 2
        assert filled.get("/database/backup-list")["backups"] == found["backups"]

    def test_it_is_downloaded_whole_and_as_an_attachment(self, filled: Api) -> None:
        made = filled.json("POST", "/backup/full")
        name = f"{made['backup_name']}.zip"
        answer = filled.ask("GET", f"/backup/download/{name}")
        assert answer.content == (filled.home.settings.home / "backups" / name).read_bytes()
        assert answer.headers["content-type"] == "application/octet-stream"
        assert answer.headers["content-disposition"] == f'attachment; filename="{name}"'

    @pytest.mark.req("S-16.1")
    @pytest.mark.parametrize(
        "name", ["..", "%2e%2e%2fdeepmed.db", ".restore.json", "full_backup_20200101_000000.zip"]
    )
    def test_no_other_file_is_had_or_deleted(self, filled: Api, name: str) -> None:
        for method, path in (("GET", f"/backup/download/{name}"), ("DELETE", f"/backup/{name}")):
            assert filled.ask(method, path).status_code in {400, 404, 405}
        assert (filled.home.settings.home / "deepmed.db").exists()

    def test_one_is_deleted(self, filled: Api) -> None:
        made = filled.json("POST", "/backup/database")
        gone = filled.json("DELETE", f"/backup/{made['backup_name']}")
        assert gone["filename"] == made["backup_name"]
        assert gone["size_freed_mb"] == made["size_mb"]
        refused(filled, 404, "DELETE", f"/backup/{made['backup_name']}")
        assert filled.get("/backup/list")["backups"] == []

    def test_old_ones_go(self, filled: Api) -> None:
        folder = filled.home.settings.home / "backups"
        folder.mkdir()
        for number in range(10, 23):
            (folder / f"db_backup_{clock.now():%Y%m%d}_0000{number}.zip").write_bytes(b"x")
        (folder / "full_backup_20200101_000000.zip").write_bytes(b"x")
        found = filled.json("POST", "/cleanup")
        counts = {name: found[name] for name in ("backups_before", "backups_after")}
        assert counts == {"backups_before": 14, "backups_after": 10}
        assert found["files_cleaned"] == 4

    def test_one_that_was_downloaded_comes_back(self, filled: Api) -> None:
        made = filled.json("POST", "/backup/full")
        content = filled.ask("GET", f"/backup/download/{made['backup_name']}").content
        filled.json("DELETE", f"/backup/{made['backup_name']}")
        found = filled.json("POST", "/backup/upload", **sent(content, "../../evil.zip"))
        assert found["size_bytes"] == len(content)
        assert found["filename"].startswith("full_backup_")
        assert [one["path"] for one in filled.get("/backup/list")["backups"]] == [found["path"]]

    @pytest.mark.req("S-16.2")
    @pytest.mark.parametrize("name", ["mine.zip", "mine.zip.enc", "mine.db", "mine.txt", ""])
    def test_what_is_no_backup_of_ours_is_not_kept(self, filled: Api, name: str) -> None:
        with closing(sqlite3.connect(filled.home.settings.home / "deepmed.db")) as database:
            content = b"".join(line.encode() for line in database.iterdump())
        foreign = io.BytesIO()
        with zipfile.ZipFile(foreign, "w") as packed:
            packed.writestr("database.db", content)
            packed.writestr("manifest.json", "{}")
            packed.writestr("manifest.sig", b"0" * 64)
        for each in (content, foreign.getvalue(), b""):
            answer = filled.ask("POST", "/backup/upload", **sent(each, name))
            assert answer.status_code == (400 if name else 422)
        assert filled.get("/backup/list")["backups"] == []

    def test_uploads_have_a_limit(self, filled: Api) -> None:
        settings = filled.home.settings.model_copy(update={"max_upload_bytes": 1000})
        home = type(filled.home)(settings, filled.home.database, filled.home.owner_id)
        made = filled.json("POST", "/backup/full")
        content = filled.ask("GET", f"/backup/download/{made['backup_name']}").content
        answer = Api.of(home).ask("POST", "/backup/upload", **sent(content))
        assert answer.status_code == 413


class TestRestoring:
    @pytest.mark.req("D-21.1")
    def test_everything_is_as_it_was_and_the_server_shows_it(self, filled: Api) -> None:
        before, files = filled.get("/drawings/"), pictures(filled.home)
        made = filled.json("POST", "/backup/full")
        delete_drawing(filled.home, 1)
        filled.ask("DELETE", "/drawings/2")
        add_drawing(filled.home)
        assert filled.get("/drawings/") != before
        done = filled.json(
            "POST", "/backup/restore", params={"backup_name": f"{made['backup_name']}.zip"}
        )
        assert done["restored_components"] == ["database", "upload_files", "static_files"]
        assert done["backup_path"] == made["backup_path"]
        assert filled.get("/drawings/") == before
        assert pictures(filled.home) == files
        assert (done["files_written"], done["files_deleted"]) == (2, 1)
        assert (done["jobs_cancelled"], done["lost_files"]) == (0, 0)
        listed = [one["name"] for one in filled.get("/backup/list")["backups"]]
        assert done["safety_backup"] in listed

    def test_of_the_database_alone(self, filled: Api) -> None:
        name = filled.json("POST", "/backup/database")["backup_name"]
        done = filled.json("POST", "/backup/restore", params={"backup_name": name})
        assert done["restored_components"] == ["database"]

    @pytest.mark.req("S-16.2")
    def test_what_cannot_be_restored(self, filled: Api) -> None:
        def ask(status: int, name: str) -> str:
            return refused(filled, status, "POST", "/backup/restore", params={"backup_name": name})

        ask(404, "full_backup_20200101_000000.zip")
        ask(404, "../deepmed")
        assert "bare database" in ask(400, "db_backup_20200101_000000.db")
        refused(filled, 422, "POST", "/backup/restore")
        made = filled.json("POST", "/backup/database")["backup_name"]
        path = filled.home.settings.home / "backups" / made
        path.write_bytes(path.read_bytes().replace(b"database", b"datebase"))
        ask(400, made)

    def test_not_while_a_job_runs(self, filled: Api) -> None:
        made = filled.json("POST", "/backup/database")["backup_name"]
        with filled.home.database.write() as session:
            job = Job(owner_id=1, kind="k", queue="q", title="t", payload={}, max_attempts=1)
            job.state, job.token, job.attempt = "running", "t" * 32, 1
            job.lease_until = clock.now() + timedelta(minutes=1)
            session.add(job)
        wanted = {"backup_name": made}
        assert "running" in refused(filled, 409, "POST", "/backup/restore", params=wanted)

    @pytest.mark.req("S-16.2")
    def test_only_administrators_come_near_a_backup(self, filled: Api) -> None:
        made = filled.json("POST", "/backup/full")
        operator = Api(filled.home, servers.client(filled.home, role=Role.OPERATOR))
        name = f"{made['backup_name']}.zip"
        for method, path in (
            ("POST", "/backup/full"),
            ("GET", "/backup/list"),
            ("GET", f"/backup/download/{name}"),
            ("POST", f"/backup/restore?backup_name={name}"),
            ("DELETE", f"/backup/{name}"),
            ("POST", "/database/migrate"),
            ("POST", "/database/schedule-backups"),
        ):
            assert operator.ask(method, path).status_code == 403


class TestExport:
    def tables(self, api: Api, form: str, **options: Any) -> tuple[Any, Any]:
        made = api.json("POST", "/export", params={"format": form, **options})
        content = api.ask("GET", f"/export/download/{made['export_name']}").content
        assert made["size_bytes"] == len(content)
        if form == "json":
            return made, json.loads(content)
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            found = {
                name.removesuffix(".csv"): list(
                    csv.DictReader(io.StringIO(packed.read(name).decode("utf-8"), newline=""))
                )
                for name in packed.namelist()
            }
        return made, found

    def test_all_rows_of_the_caller_as_json(self, filled: Api) -> None:
        filled.stranger().upload(b"")  # somebody else is there
        made, found = self.tables(filled, "json", include_embeddings=True)
        assert found["export_info"]["includes_embeddings"] is True
        assert [row["prompt"] for row in found["drawings"]] == [ODD] * 3
        assert found["drawings"][0]["ink_coverage"] == 1 / 3
        assert made["record_counts"] == {
            "drawings": 3,
            "age_group_models": 0,
            "anomaly_analyses": 0,
            "interpretability_results": 0,
            "drawing_embeddings": 3,
        }
        assert found["drawing_embeddings"][0]["embedding_vector"].startswith("AAECAwQF")

    @pytest.mark.req("S-27.1")
    def test_no_cell_of_a_table_is_a_formula(self, filled: Api) -> None:
        with filled.home.database.write() as session:
            session.get_one(Drawing, 1).prompt = "=HYPERLINK(evil)"
            session.get_one(Drawing, 2).subject = "@SUM(1)"
        made, found = self.tables(filled, "csv")
        assert set(found) == {"drawings"}, "a table without rows has no file"
        assert found["drawings"][0]["prompt"] == "'=HYPERLINK(evil)"
        assert found["drawings"][1]["subject"] == "'@SUM(1)"
        assert [row["prompt"] for row in found["drawings"]][2] == ODD
        assert "drawing_embeddings" not in made["record_counts"]

    @pytest.mark.req("S-3.1")
    def test_another_owners_rows_and_exports_are_not_there(self, filled: Api) -> None:
        other = filled.stranger()
        made, _ = self.tables(filled, "json")
        theirs, rows = self.tables(other, "json", include_embeddings=True)
        assert set(theirs["record_counts"].values()) == {0}
        assert rows["drawings"] == rows["drawing_embeddings"] == []
        name = made["export_name"]
        if theirs["export_name"] != name:
            refused(other, 404, "GET", f"/export/download/{name}")

    def test_nothing_secret_is_in_it(self, filled: Api) -> None:
        filled.json("POST", "/backup/full")  # makes the keys
        made = filled.json("POST", "/export", params={"include_embeddings": True})
        content = filled.ask("GET", f"/export/download/{made['export_name']}").text
        key = (filled.home.settings.home / "keys" / "signing.key").read_text(encoding="utf-8")
        assert key.splitlines()[1] not in content
        assert str(filled.home.settings.home) not in content

    def test_a_store_that_is_full_takes_none(
        self, filled: Api, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def full(*_: object, **__: object) -> None:
            raise StorageError("The disk is full.")

        monkeypatch.setattr(FileStorageService, "put", full)
        for form in ("json", "csv"):
            no_room(filled.ask("POST", "/export", params={"format": form}))

    @pytest.mark.parametrize("name", ["data_export_20200101_000000", "%2e%2e", "x", "deepmed.db"])
    def test_an_unknown_export(self, filled: Api, name: str) -> None:
        assert filled.ask("GET", f"/export/download/{name}").status_code == 404

    def test_a_form_that_there_is_not(self, filled: Api) -> None:
        refused(filled, 422, "POST", "/export", params={"format": "xml"})


class TestStorage:
    def test_what_is_taken(self, filled: Api) -> None:
        filled.json("POST", "/backup/full")
        found = filled.get("/storage/info")
        home = filled.home.settings.home
        disk = shutil.disk_usage(home)
        assert found["disk_usage"]["total_gb"] == round(disk.total / 1024**3, 2)
        assert found["disk_usage"]["used_percent"] == pytest.approx(
            100 * disk.used / disk.total, abs=1
        )
        assert found["disk_usage"]["free_gb"] + found["disk_usage"]["used_gb"] <= (
            found["disk_usage"]["total_gb"] + 0.02
        )
        uploads = list((home / "files" / "uploads").rglob("*.png"))
        size = round(sum(path.stat().st_size for path in uploads) / 1024**2, 2)
        folder = found["directories"]["uploads"]
        assert (folder["file_count"], folder["size_mb"]) == (3, size)
        assert found["directories"]["backups"]["file_count"] == 1
        assert found["directories"]["static"]["exists"] is False
        database = sum(
            path.stat().st_size for path in home.glob("deepmed.db*") if "shm" not in path.name
        )
        assert found["database"]["size_mb"] == pytest.approx(database / 1024**2, abs=0.02)
        assert str(home) not in json.dumps(found)

    def test_a_clean_up_counts_what_it_deletes(self, filled: Api) -> None:
        found = filled.json("POST", "/storage/cleanup")
        counted = [found[name] for name in ("temp_files_removed", "orphaned_files_removed")]
        assert (counted, found["space_freed_mb"]) == ([0, 0], 0)
        assert len(pictures(filled.home)) == 3


class TestDatabase:
    def test_at_which_step_it_is(self, filled: Api) -> None:
        head = migration.revisions()[-1]
        found = filled.get("/database/migration-info")["migration_info"]
        assert found == {"current_revision": head, "head_revision": head, "is_up_to_date": True}

    @pytest.mark.parametrize("target", ["head", None])
    def test_there_is_nothing_to_migrate(self, filled: Api, target: str | None) -> None:
        body = {"json": {"target_revision": target}} if target else {}
        found = filled.json("POST", "/database/migrate", **body)["migration_result"]
        assert (found["status"], found["backup_info"]) == ("up_to_date", None)
        assert found["consistency_check"]["integrity_check_passed"] is True

    def test_a_step_that_was_added_is_made_after_a_backup(self, filled: Api) -> None:
        """As if another process had brought an older version's database into this folder."""
        migration.downgrade(filled.home.database, migration.revisions()[-2])
        found = filled.json("POST", "/database/migrate")["migration_result"]
        assert found["status"] == "migrated"
        assert found["pre_migration"]["is_up_to_date"] is False
        assert found["post_migration"]["is_up_to_date"] is True
        assert found["backup_info"]["type"] == "database"

    @pytest.mark.parametrize(("target", "status"), [("0001", 409), ("9999", 400), ("x' --", 400)])
    def test_no_other_step_is_gone_to(self, filled: Api, target: str, status: int) -> None:
        body = {"target_revision": target}
        refused(filled, status, "POST", "/database/migrate", json=body)
        assert filled.get("/database/migration-info")["migration_info"]["is_up_to_date"]

    @pytest.mark.req("S-16.1")
    @pytest.mark.parametrize(
        "url", ["sqlite:////etc/passwd", "postgresql://a:hunter2@10.0.0.1/x", "x", "HOME", ""]
    )
    def test_a_request_names_no_address(
        self, filled: Api, url: str, capfd: pytest.CaptureFixture[str]
    ) -> None:
        body = {"other_db_url": url}
        said = refused(filled, 501, "POST", "/database/validate-consistency", json=body)
        assert "deepmed db compare" in said
        assert "hunter2" not in said + "".join(capfd.readouterr())

    def test_the_settings_database_is_compared_by_its_name(self, filled: Api) -> None:
        refused(filled, 400, "POST", "/database/validate-consistency", json={"other_db_url": OTHER})
        url = filled.home.settings.resolved_database_url
        settings = filled.home.settings.model_copy(update={"other_database_url": SecretStr(url)})
        own = Api.of(type(filled.home)(settings, filled.home.database, filled.home.owner_id))
        body = {"other_db_url": OTHER}
        found = own.json("POST", "/database/validate-consistency", json=body)["validation_result"]
        assert (found["status"], found["differences"]) == ("consistent", [])
        assert found["current_schema"] == found["other_schema"]
        assert "id not null" in found["current_schema"]["owners"]

    @pytest.mark.req("D-21.1")
    def test_backups_are_made_by_the_clock(self, filled: Api) -> None:
        found = filled.json("POST", "/database/schedule-backups")
        assert "6 hours" in found["message"]
        assert found["next_backup_at"] is not None
        ended = filled.json("POST", "/database/schedule-backups", params={"interval_hours": 0})
        assert ended["next_backup_at"] is None
        for wrong in (-1, 100_000, "x"):
            wanted = {"interval_hours": wrong}
            refused(filled, 422, "POST", "/database/schedule-backups", params=wanted)

    def test_what_is_wrong_is_found(self, filled: Api) -> None:
        found = filled.json("POST", "/database/consistency-check")["consistency_result"]
        with closing(sqlite3.connect(filled.home.settings.home / "deepmed.db")) as database:
            query = "SELECT name FROM sqlite_master WHERE type = 'table'"
            names = [name for (name,) in database.execute(query)]
        count = sum(not name.startswith("sqlite") for name in names)
        assert found["table_count"] == count
        assert (found["foreign_keys_enabled"], found["errors"]) == (True, [])
        with filled.home.database.read() as session:
            key = session.get_one(Drawing, 1).file_path
        filled.home.storage.delete(key)
        found = filled.json("POST", "/database/consistency-check")["consistency_result"]
        assert found["integrity_check_passed"] is False
        assert len(found["errors"]) == 1


def test_every_answer_of_an_error_is_of_the_contract(filled: Api) -> None:
    answer = filled.client.request("POST", f"{PREFIX}/database/migrate", json=[])
    assert answer.status_code == 422
    assert isinstance(answer.json()["detail"], list)
