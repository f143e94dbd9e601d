"""Contract 2.1: what drawings answer beyond their shape, and how they refuse."""

import sqlite3
from contextlib import closing
from io import BytesIO
from typing import Any

import pytest
from PIL import Image

from deepmed.features.drawings.tables import Drawing
from deepmed.kit.errors import StorageError
from deepmed.kit.storage import FileStorageService
from factories.api import Api, picture

UPLOADS = "uploads/drawings"


def stored(api: Api) -> list[str]:
    return [
        file.key for folder in (UPLOADS, "staging") for file in api.home.storage.list_files(folder)
    ]


def numbers(api: Api, **wanted: Any) -> list[int]:
    return [each["id"] for each in api.get("/drawings/", params=wanted)["drawings"]]


class TestUpload:
    @pytest.mark.req("D-1.1")
    @pytest.mark.parametrize("kind", ["PNG", "JPEG", "BMP"])
    def test_the_three_formats_are_stored_under_names_of_ours(self, empty: Api, kind: str) -> None:
        buffer = BytesIO()
        Image.open(BytesIO(picture())).save(buffer, kind)
        answer = empty.upload(buffer.getvalue(), name=f"Anna Müller.{kind.lower()}")
        found = answer.json()
        assert answer.status_code == 201
        assert found["original_name"] == f"Anna Müller.{kind.lower()}"
        assert "Anna" not in found["filename"]
        assert stored(empty) == [f"{UPLOADS}/{found['filename']}"]

    @pytest.mark.req("D-2.1")
    def test_all_that_is_known_is_kept_and_blank_is_nothing(self, empty: Api) -> None:
        form = {
            "age_years": "6y 4m",
            "subject": "HOUSE",
            "expert_label": "Normal",
            "drawing_tool": "crayon",
            "prompt": "  ",
            "child_id": "c-1",
        }
        found = empty.upload(picture(), **form).json()
        assert found["age_years"] == pytest.approx(6 + 4 / 12)
        assert (found["age_precision"], found["child_id"]) == ("month", "c-1")
        assert (found["subject"], found["expert_label"]) == ("house", "normal")
        assert (found["drawing_tool"], found["prompt"]) == ("crayon", None)

    @pytest.mark.req("D-1.3")
    def test_a_nearly_blank_page_is_stored_marked_and_never_scored(self, api: Api) -> None:
        buffer = BytesIO()
        Image.new("RGB", (64, 64), "white").save(buffer, "PNG")
        found = api.upload(buffer.getvalue()).json()
        assert found["is_blank"] is True
        analysis = api.json("POST", f"/analysis/analyze/{found['id']}")["analysis"]
        assert (analysis["decision"], analysis["anomaly_score"]) == ("blank", None)
        assert analysis["is_anomaly"] is False
        assert analysis["reasons"]["anomaly_score"]
        assert api.ask("POST", f"/analysis/embeddings/{found['id']}").status_code == 400

    @pytest.mark.req("D-2.3")
    def test_the_same_bytes_are_stored_once_and_the_stored_ones_are_the_answer(
        self, empty: Api
    ) -> None:
        first = empty.upload(picture(), subject="house").json()
        again = empty.upload(picture(), subject="cat")
        assert again.status_code == 201
        assert (again.json()["id"], again.json()["already_present"]) == (first["id"], True)
        assert again.json()["conflicts"] == {"subject": ["house", "cat"]}
        assert first["already_present"] is False
        assert len(stored(empty)) == 1

    @pytest.mark.parametrize(
        ("form", "status"),
        [
            ({"subject": "s" * 101}, 400),
            ({"expert_label": "l" * 51}, 400),
            ({"expert_label": "odd"}, 400),
            ({"drawing_tool": "t" * 51}, 400),
            ({"prompt": "p" * 501}, 400),
            ({"child_id": "c" * 101}, 400),
            ({"subject": "a\0b"}, 400),
            ({"age_years": "1.9"}, 422),
            ({"age_years": "18.1"}, 422),
            ({"age_years": "nan"}, 422),
            ({"age_years": "inf"}, 422),
            ({"age_years": "young"}, 422),
            ({"age_years": ""}, 422),
            ({"age_years": "9" * 41}, 422),
        ],
    )
    def test_what_is_known_has_bounds(self, empty: Api, form: dict[str, str], status: int) -> None:
        answer = empty.upload(picture(), **form)
        assert answer.status_code == status
        assert isinstance(answer.json()["detail"], str if status == 400 else list)
        assert stored(empty) == []

    def test_an_age_and_a_file_are_needed(self, empty: Api) -> None:
        sent = {"file": ("a.png", picture(), "image/png")}
        for content in ({"data": {"age_years": "6"}}, {"files": sent}):
            answer = empty.ask("POST", "/drawings/upload", **content)
            assert answer.status_code == 422
            assert [each["type"] for each in answer.json()["detail"]] == ["missing"]

    @pytest.mark.req("P-3.1")
    def test_a_store_that_fails_is_a_507_of_the_contracts_form(
        self, empty: Api, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def full(*_: object, **__: object) -> None:
            raise StorageError("The disk is full.")

        monkeypatch.setattr(FileStorageService, "put", full)
        answer = empty.upload(picture())
        body = answer.json()
        assert (answer.status_code, body["type"]) == (507, "system_error")
        assert body["error"] == body["detail"] == "The disk is full."
        assert body["request_id"] == answer.headers["x-request-id"]
        assert empty.get("/drawings/stats")["total_drawings"] == 0


class TestBatch:
    @pytest.mark.req("D-2.3")
    def test_a_batch_is_stored_in_the_background_and_followed(self, empty: Api) -> None:
        table = '[{"filename": "a.png", "age_years": 5}, {"filename": "b.png", "age_years": "6y"}]'
        files = [("a.png", picture(1)), ("b.png", picture(2))]
        accepted = empty.upload_batch(files, metadata=table).json()
        progress = accepted["progress_url"].removeprefix("/api/v1")
        assert accepted["file_count"] == 2
        assert empty.get(progress) == {"progress": 0, "status": "started"}
        empty.work_off()
        assert empty.get(progress) == {"progress": 100, "status": "completed_2_successful_0_errors"}
        assert {each["age_years"] for each in empty.get("/drawings/")["drawings"]} == {5, 6}
        assert len(stored(empty)) == 2, "what was staged is gone"

    def test_a_zip_with_its_table_and_one_with_the_table_beside_it(self, empty: Api) -> None:
        from zipfile import ZipFile

        for number, beside in enumerate((False, True), 1):
            buffer, table = BytesIO(), '[{"filename": "x/a.png", "age_years": 5}]'
            with ZipFile(buffer, "w") as archive:
                archive.writestr("x/a.png", picture(number))
                if not beside:
                    archive.writestr("metadata.json", table)
            form = {"metadata": table} if beside else {}
            sent = [("drawings.zip", buffer.getvalue())]
            assert empty.upload_batch(sent, **form).status_code == 200
            empty.work_off()
            assert empty.get("/drawings/stats")["total_drawings"] == number

    @pytest.mark.req("D-2.2")
    def test_without_an_age_for_each_nothing_is_stored(self, empty: Api) -> None:
        files = [("a.png", picture(1)), ("b.png", picture(2))]
        one = '[{"filename": "a.png", "age_years": 5}]'
        for form in ({}, {"metadata": one}, {"name_pattern": "*_age{age}"}):
            answer = empty.upload_batch(files, **form)
            assert answer.status_code == 422
            assert "b.png" in answer.json()["detail"]
        assert stored(empty) == []
        assert empty.get("/jobs")["jobs"] == []

    @pytest.mark.parametrize(
        ("files", "status"),
        [
            ([(f"{n}_age5.png", picture(1)) for n in range(51)], 400),
            ([("a_age5.png", picture(1)), ("a_age5.png", picture(2))], 422),
            ([("a_age5.png", b""), ("b_age5.png", b"<svg/>")], 400),
            ([("a.txt", b"hello")], 400),
        ],
    )
    def test_what_cannot_be_a_batch(
        self, empty: Api, files: list[tuple[str, bytes]], status: int
    ) -> None:
        answer = empty.upload_batch(files, name_pattern="*_age{age}")
        assert answer.status_code == status
        assert isinstance(answer.json()["detail"], str)
        assert stored(empty) == []

    def test_a_name_of_a_file_stays_in_no_ledger(self, empty: Api) -> None:
        sent = [("Anna Canary_age5.png", picture(1)), ("b_age6.png", b"")]
        empty.upload_batch(sent, name_pattern="*_age{age}")
        for _ in range(2):
            with closing(sqlite3.connect(empty.home.settings.home / "deepmed.db")) as database:
                dump = "\n".join(line for line in database.iterdump() if '"jobs"' in line)
            assert "jobs" in dump
            assert "Canary" not in dump
            empty.work_off()

    def test_progress_of_what_nobody_uploaded(self, empty: Api) -> None:
        for uid in ("0" * 32, "x", "%00", "a" * 5000):
            found = empty.get(f"/drawings/upload/progress/{uid}")
            assert found == {"progress": 0, "status": "not_found"}


class TestList:
    @pytest.mark.req("D-2.3")
    def test_newest_first_page_by_page(self, settled: Api) -> None:
        total = settled.get("/drawings/")["total_count"]
        pages = [
            settled.get("/drawings/", params={"page": n, "page_size": 40}) for n in range(1, 6)
        ]
        assert {page["total_pages"] for page in pages} == {4}
        found = [each for page in pages for each in page["drawings"]]
        assert len(found) == len({each["id"] for each in found}) == total
        times = [(each["upload_timestamp"], each["id"]) for each in found]
        assert times == sorted(times, reverse=True)

    @pytest.mark.req("D-2.3")
    def test_filters(self, settled: Api) -> None:
        with settled.home.database.read() as session:
            rows = session.query(Drawing).all()
        within = {row.id for row in rows if 6.2 <= row.age_years <= 7.0}
        wanted = {"age_min": 6.2, "age_max": 7.0, "page_size": 100}
        assert set(numbers(settled, **wanted)) == within
        houses = {row.id for row in rows if row.subject == "house"}
        assert set(numbers(settled, subject="OUS", page_size=100)) == houses
        assert numbers(settled, subject="%") == []
        concerned = [row.id for row in rows if row.expert_label == "concern"]
        assert numbers(settled, expert_label="concern") == concerned

    @pytest.mark.parametrize(
        ("wanted", "status"),
        [
            ({"page": 0}, 400),
            ({"page": -1}, 400),
            ({"page_size": 0}, 400),
            ({"page_size": 101}, 400),
            ({"age_min": 6, "age_max": 6}, 400),
            ({"age_min": 7, "age_max": 6}, 400),
            ({"sort": "password"}, 400),
            ({"expert_label": "odd"}, 422),
            ({"age_min": "nan"}, 422),
            ({"age_max": "inf"}, 422),
            ({"page": "one"}, 422),
            ({"subject": "\0"}, 422),
            ({"child_id": "\0"}, 422),
            ({"subject": "s" * 501}, 422),
            ({"page": 10**30}, 200),
            ({"age_min": -1e300, "age_max": 1e300}, 200),
        ],
    )
    def test_what_can_be_asked(self, settled: Api, wanted: dict[str, Any], status: int) -> None:
        answer = settled.ask("GET", "/drawings/", params=wanted)
        assert answer.status_code == status
        if status != 200:
            assert isinstance(answer.json()["detail"], str if status == 400 else list)

    @pytest.mark.parametrize("path", ["/drawings", "/config"])
    def test_a_collection_without_its_slash_leads_to_it(self, settled: Api, path: str) -> None:
        answer = settled.ask("GET", path, params={"page": 2})
        assert answer.status_code == 307
        assert answer.headers["location"].endswith(f"/api/v1{path}/?page=2")


class TestOne:
    @pytest.mark.parametrize("number", [0, -1, 99_999, 2**31, 2**63, 10**30])
    @pytest.mark.parametrize("path", ["", "/file", "/thumbnail", "/neighbours"])
    def test_an_unknown_one_is_not_found(self, settled: Api, number: int, path: str) -> None:
        answer = settled.ask("GET", f"/drawings/{number}{path}")
        assert answer.status_code == 404
        assert isinstance(answer.json()["detail"], str)

    @pytest.mark.parametrize("number", [0, 99_999, 10**30])
    def test_and_is_not_changed_or_deleted(self, settled: Api, number: int) -> None:
        assert settled.ask("DELETE", f"/drawings/{number}").status_code == 404
        assert settled.ask("PATCH", f"/drawings/{number}", json={}).status_code == 404

    @pytest.mark.req("S-8.1")
    def test_a_picture_is_given_as_a_file_of_our_name(self, empty: Api) -> None:
        found = empty.upload(picture(), name='a"; filename=evil.html').json()
        for path, name in (
            ("file", found["filename"]),
            ("thumbnail", f"small_{found['filename']}"),
        ):
            answer = empty.ask("GET", f"/drawings/{found['id']}/{path}")
            assert answer.headers["content-type"] == "image/png"
            assert answer.headers["content-disposition"] == f'attachment; filename="{name}"'
            assert answer.headers["x-content-type-options"] == "nosniff"
            assert "evil" not in str(answer.headers)
            Image.open(BytesIO(answer.content)).verify()

    def test_a_picture_that_is_gone_is_not_found(self, empty: Api) -> None:
        found = empty.upload(picture()).json()
        empty.home.storage.delete(f"{UPLOADS}/{found['filename']}")
        assert empty.ask("GET", f"/drawings/{found['id']}/file").status_code == 404

    @pytest.mark.req("D-2.3")
    def test_a_deletion_takes_all_that_was_derived(self, api: Api) -> None:
        drawing = api.upload(picture()).json()["id"]
        analysis = api.json("POST", f"/analysis/analyze/{drawing}")
        number = analysis["analysis"]["id"]
        files = {file.key for file in api.home.storage.list_files("explanations")}
        answer = api.ask("DELETE", f"/drawings/{drawing}")
        assert (answer.status_code, answer.content) == (204, b"")
        assert files
        assert not list(api.home.storage.list_files("explanations"))
        assert stored(api) == []
        for path in (f"/drawings/{drawing}", f"/drawings/{drawing}/file", f"/analysis/{number}"):
            assert api.ask("GET", path).status_code == 404
        assert api.ask("DELETE", f"/drawings/{drawing}").status_code == 404


class TestEdit:
    @pytest.mark.parametrize(
        ("age", "years", "precision"),
        [(7, 7.0, "year"), (7.25, 7.25, "decimal"), ("6y 4m", 6 + 4 / 12, "month")],
    )
    def test_an_age_is_a_number_or_a_text(
        self, api: Api, age: object, years: float, precision: str
    ) -> None:
        found = api.json("PATCH", "/drawings/1", json={"age_years": age})
        assert found["age_years"] == pytest.approx(years)
        assert found["age_precision"] == precision

    def test_what_is_not_named_stays_and_null_removes(self, api: Api) -> None:
        before = api.get("/drawings/1")
        changes = {"prompt": "a tree", "expert_label": "concern"}
        after = api.json("PATCH", "/drawings/1", json=changes)
        assert after == before | changes
        assert api.json("PATCH", "/drawings/1", json={"prompt": None})["prompt"] is None
        assert api.json("PATCH", "/drawings/1", json={"withdrawn": True})["withdrawn"] is True

    @pytest.mark.parametrize(
        ("changes", "status"),
        [
            ({"age_years": 19}, 400),
            ({"age_years": None}, 400),
            ({"age_years": "old"}, 400),
            ({"age_years": []}, 422),
            ({"subject": "s" * 101}, 400),
            ({"prompt": "\0"}, 400),
            ({"expert_label": "odd"}, 400),
            ({"filename": "mine.png"}, 422),
            ({"withdrawn": "perhaps"}, 422),
        ],
    )
    def test_what_cannot_be(self, api: Api, changes: dict[str, Any], status: int) -> None:
        before = api.get("/drawings/1")
        answer = api.ask("PATCH", "/drawings/1", json=changes)
        assert answer.status_code == status
        assert "0x" not in answer.text, "no address of the program's memory"
        assert api.get("/drawings/1") == before

    def test_what_json_has_no_number_for(self, api: Api) -> None:
        for text in (b'{"age_years": NaN}', b'{"age_years": 1e999}', b'{"prompt": "\\ud800"}'):
            headers = {"content-type": "application/json"}
            answer = api.ask("PATCH", "/drawings/1", content=text, headers=headers)
            assert answer.status_code in {400, 422}

    def test_a_drawing_given_to_another_child_moves_in_the_models_files(self, api: Api) -> None:
        model = api.get("/models/age-groups")["models"][0]
        before = api.bench.registry.list()
        drawing = _calibrating(api, model["id"])
        api.json("PATCH", f"/drawings/{drawing}", json={"child_id": "another"})
        revisions = {each.uid: each.revision for each in before}
        changed = [
            each for each in api.bench.registry.list() if each.revision > revisions[each.uid]
        ]
        assert changed, "the figures of the model are revised"

    def test_a_deletion_is_forgotten_by_the_models_files(self, api: Api) -> None:
        model = api.get("/models/age-groups")["models"][0]
        drawing = _calibrating(api, model["id"])
        assert api.ask("DELETE", f"/drawings/{drawing}").status_code == 204
        after = api.get("/models/age-groups")["models"][0]
        assert after["needs_retraining"] is True
        assert after["children"]["calibration"] == model["children"]["calibration"] - 1


def _calibrating(api: Api, model: int) -> int:
    query = (
        "SELECT drawing_id FROM age_group_model_members WHERE model_id = ? "
        "AND part = 'calibration' ORDER BY drawing_id LIMIT 1"
    )
    with closing(sqlite3.connect(api.home.settings.home / "deepmed.db")) as database:
        return int(database.execute(query, (model,)).fetchone()[0])
