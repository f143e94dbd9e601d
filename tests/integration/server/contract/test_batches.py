"""Contract 13: uploads that are analysed as a whole, under one id from the files to the answers."""

import json
from typing import Any

import httpx
import pytest

from factories.api import Api, picture

FILES = [("a.png", picture(61)), ("b.png", picture(62)), ("c.png", picture(63))]


def upload(
    api: Api, files: list[tuple[str, bytes]], metadata: list[dict[str, Any]] | None
) -> httpx.Response:
    sent = [("files", file) for file in files]
    form = {} if metadata is None else {"metadata": json.dumps(metadata)}
    return api.ask("POST", "/analysis/batch/upload", files=sent, data=form)


def aged(files: list[tuple[str, bytes]]) -> list[dict[str, Any]]:
    return [{"filename": name, "age_years": 7 + place} for place, (name, _) in enumerate(files)]


def local(url: str) -> str:
    return url.removeprefix("/api/v1")


def jobs(api: Api, **page: int) -> dict[str, Any]:
    return {job["job_id"]: job for job in api.get("/analysis/batch/jobs", params=page)["jobs"]}


def test_from_the_files_to_the_answers_under_one_id(api: Api) -> None:
    begun = upload(api, FILES, aged(FILES)).json()
    uid = begun["job_id"]
    assert (begun["status"], begun["total_files"]) == ("uploading", 3)
    assert jobs(api)[uid]["status"] == "uploading"
    assert jobs(api)[uid]["analyze_url"] is None
    assert api.ask("POST", local(begun["analyze_url"])).status_code == 409
    api.work_off()
    stored = jobs(api)[uid]
    assert (stored["status"], stored["stored"], stored["rejected"]) == ("ready", 3, 0)
    assert api.get(local(stored["progress_url"]))["progress"] == 100

    accepted = api.json("POST", local(stored["analyze_url"]))
    assert (accepted["batch_id"], accepted["total_drawings"]) == (uid, 3)
    assert jobs(api)[uid]["status"] == "processing"
    assert api.ask("POST", local(stored["analyze_url"])).status_code == 409
    api.work_off()
    done = jobs(api)[uid]
    assert (done["status"], done["completed"], done["failed"]) == ("completed", 3, 0)
    assert done["error"] is None
    answered = api.get(local(done["progress_url"]))
    ages = sorted(one["drawing"]["age_years"] for one in answered["results"])
    assert ages == [7, 8, 9]

    again = api.json("POST", local(done["analyze_url"]))
    assert again["batch_id"] == uid
    api.work_off()
    assert jobs(api)[uid]["completed"] == 3


def test_drawings_that_were_there_already_are_analysed_too(api: Api) -> None:
    present = api.upload(FILES[0][1]).json()["id"]
    uid = upload(api, FILES, aged(FILES)).json()["job_id"]
    api.work_off()
    api.json("POST", f"/analysis/batch/{uid}/analyze")
    api.work_off()
    results = api.get(f"/analysis/batch/{uid}/progress")["results"]
    assert present in {one["drawing"]["id"] for one in results}
    assert len(results) == 3


@pytest.mark.req("D-2.2")
@pytest.mark.parametrize(
    "metadata",
    [
        None,
        [],
        [{"filename": "a.png", "age_years": 7}],
        [*aged(FILES)[:2], {"filename": "c.png"}],
        [*aged(FILES)[:2], {"filename": "c.png", "age_years": 19}],
    ],
)
def test_without_an_age_for_each_file_nothing_is_stored(
    settled: Api, metadata: list[dict[str, Any]] | None
) -> None:
    before = settled.get("/drawings/")["total_count"], jobs(settled)
    answer = upload(settled, FILES, metadata)
    assert answer.status_code == 422, answer.text
    assert isinstance(answer.json()["detail"], str)
    settled.work_off()
    assert (settled.get("/drawings/")["total_count"], jobs(settled)) == before


def test_what_was_received_is_named_by_its_content(api: Api) -> None:
    files = [("a.txt", picture(64)), ("b.png", b"no picture"), ("metadata.csv", b"")]
    table = b"filename,age_years\na.txt,7\nb.png,8\n"
    files[2] = ("metadata.csv", table)
    sent = [("files", file) for file in files]
    received = api.json("POST", "/analysis/batch/upload", files=sent)["files"]
    kinds = {one["filename"]: one["content_type"] for one in received}
    assert kinds == {"a.txt": "image/png", "b.png": "image/png", "metadata.csv": "text/csv"}
    sizes = {one["filename"]: one["file_size"] for one in received}
    assert sizes == {name: len(content) for name, content in files}
    assert {one["file_path"] for one in received} == {None}


def test_files_that_are_no_pictures_are_told_with_their_reasons(api: Api) -> None:
    files = [FILES[0], ("b.png", b"\x89PNG but not really")]
    uid = upload(api, files, aged(files)).json()["job_id"]
    api.work_off()
    told = jobs(api)[uid]
    assert (told["status"], told["stored"], told["rejected"]) == ("ready", 1, 1)
    error = told["error"]
    assert error["error"] == "files_refused"
    assert [one["field"] for one in error["details"]] == ["b.png"]
    assert error["details"][0]["message"]


def test_an_upload_of_which_nothing_is_left_cannot_be_analysed(api: Api) -> None:
    uid = upload(api, FILES[:1], aged(FILES[:1])).json()["job_id"]
    api.work_off()
    newest = api.get("/drawings/", params={"page_size": 1})["drawings"][0]["id"]
    api.ask("DELETE", f"/drawings/{newest}")
    answer = api.ask("POST", f"/analysis/batch/{uid}/analyze")
    assert answer.status_code == 409
    assert "nothing to analyse" in answer.json()["detail"]


def test_an_analysis_that_fails_says_why(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    from deepmed.features.drawings.analysis.service import AnalysisService
    from deepmed.kit.errors import ModelError

    def fail(*_: object, **__: object) -> None:
        raise ModelError("No model.")

    uid = upload(api, FILES[:2], aged(FILES[:2])).json()["job_id"]
    api.work_off()
    api.json("POST", f"/analysis/batch/{uid}/analyze")
    monkeypatch.setattr(AnalysisService, "scene", fail)
    api.work_off()
    told = jobs(api)[uid]
    assert (told["status"], told["failed"]) == ("failed", 2)
    assert told["error"]["error"] == "analysis_failed"
    assert told["error"]["message"] == "No model."
    monkeypatch.undo()
    assert api.ask("POST", f"/analysis/batch/{uid}/analyze").status_code == 200


def test_analyses_by_id_stand_in_the_list_too_and_are_no_uploads(api: Api) -> None:
    uid = api.json("POST", "/analysis/batch", json={"drawing_ids": [1, 2]})["batch_id"]
    told = jobs(api)[uid]
    assert (told["status"], told["total_files"], told["total_drawings"]) == ("processing", None, 2)
    assert api.ask("POST", f"/analysis/batch/{uid}/analyze").status_code == 404
    assert api.ask("POST", f"/analysis/batch/{'0' * 32}/analyze").status_code == 404
    assert api.ask("POST", "/analysis/batch/x/analyze").status_code == 404


def test_the_list_has_pages_newest_first(api: Api) -> None:
    made = [
        upload(api, [file], aged([file])).json()["job_id"]
        for file in (*FILES, ("d.png", picture(64)))
    ]
    first = api.get("/analysis/batch/jobs", params={"page_size": 3})
    second = api.get("/analysis/batch/jobs", params={"page_size": 3, "page": 2})
    listed = [job["job_id"] for job in (*first["jobs"], *second["jobs"])]
    assert listed[:4] == made[::-1]
    total = len(jobs(api, page_size=100))
    assert first["pagination"] == {
        "page": 1,
        "page_size": 3,
        "total_items": total,
        "total_pages": -(-total // 3),
        "has_next": total > 3,
        "has_previous": False,
    }
    assert second["pagination"]["has_previous"] is True
    assert jobs(api, page=1000) == {}


@pytest.mark.parametrize("page", [{"page": 0}, {"page_size": 0}, {"page_size": 101}])
def test_what_is_no_page(settled: Api, page: dict[str, int]) -> None:
    assert settled.ask("GET", "/analysis/batch/jobs", params=page).status_code == 422


@pytest.mark.req("S-3.1")
def test_anothers_uploads_are_neither_listed_nor_analysed(api: Api) -> None:
    uid = upload(api, FILES[:1], aged(FILES[:1])).json()["job_id"]
    api.work_off()
    stranger = api.stranger()
    assert jobs(stranger) == {}
    assert stranger.ask("POST", f"/analysis/batch/{uid}/analyze").status_code == 404
    assert jobs(api)[uid]["status"] == "ready"


class TestStatistics:
    """What the contract's page asks for by subject."""

    @pytest.mark.parametrize("subject", ["person", "PERSON", "house", "unspecified"])
    def test_of_one_subject(self, api: Api, subject: str) -> None:
        api.upload(picture(71), subject="house")
        plain = api.upload(picture(72)).json()["id"]
        api.json("POST", "/analysis/batch", json={"drawing_ids": [1, 2, 3, 136, plain]})
        api.work_off()
        found = api.get("/analysis/stats", params={"subject": subject})
        drawings = []
        for page in (1, 2):
            listed = api.get("/drawings/", params={"page_size": 100, "page": page})
            drawings += listed["drawings"]
        word = subject.lower()
        mine = [one for one in drawings if (one["subject"] or "unspecified") == word]
        assert found["total_drawings"] == len(mine) > 0
        assert found["subject_distribution"] == [{"subject": word, "count": len(mine)}]
        assert sum(one["count"] for one in found["age_distribution"]) == len(mine)
        ids = {one["id"] for one in mine}
        newest = api.get("/analysis/stats")["recent_analyses"]
        assert [one["drawing_id"] for one in found["recent_analyses"]] == [
            one["drawing_id"] for one in newest if one["drawing_id"] in ids
        ]
        assert found["total_analyses"] == len(found["recent_analyses"]) > 0
        assert found["anomaly_count"] == sum(one["is_anomaly"] for one in found["recent_analyses"])
        assert sum(found["decisions"].values()) == found["total_analyses"]

    def test_of_all_with_the_subject_of_each(self, settled: Api) -> None:
        found = settled.get("/analysis/stats")
        shares = settled.get("/config/subjects/statistics")["subject_distribution"]
        assert found["subject_distribution"] == [
            {"subject": one["subject"], "count": one["drawing_count"]} for one in shares
        ]
        for one in found["recent_analyses"]:
            assert one["subject"] == settled.get(f"/drawings/{one['drawing_id']}")["subject"]

    def test_of_a_subject_that_nobody_drew(self, settled: Api) -> None:
        found = settled.get("/analysis/stats", params={"subject": "whale"})
        assert (found["total_drawings"], found["total_analyses"]) == (0, 0)
        assert found["subject_distribution"] == found["recent_analyses"] == []
        assert settled.ask("GET", "/analysis/stats?subject=%00").status_code == 422

    def test_subjects_by_year_of_age(self, api: Api) -> None:
        for drawing in (1, 2, 3):
            api.json("POST", f"/analysis/analyze/{drawing}", params={"explain": False})
        found = {one["subject"]: one for one in api.get("/config/subject-statistics")["statistics"]}
        for subject, told in found.items():
            one = api.get("/config/subjects/statistics", params={"subject": subject})
            assert told["total_drawings"] == one["total_drawings"]
            assert [(each["age_group"], each["count"]) for each in told["age_groups"]] == [
                (each["age_group"], each["count"]) for each in one["age_distribution"]
            ]
            assert told["anomaly_rate"] == one["analysis_statistics"]["anomaly_rate"]
            for each in told["age_groups"]:
                assert each["sufficient_data"] is (each["count"] >= 50)
        assert list(found) == sorted(found, key=lambda each: (-found[each]["total_drawings"], each))
        assert {"person", "house"} <= set(found)

    def test_without_drawings_nothing_is_counted(self, empty: Api) -> None:
        assert empty.get("/config/subject-statistics")["statistics"] == []
        assert empty.get("/analysis/stats")["subject_distribution"] == []
