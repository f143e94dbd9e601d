"""Contract 2.2: what analyses answer beyond their shape, and how they refuse."""

from io import BytesIO
from typing import Any

import pytest
from PIL import Image
from sqlalchemy import select

from deepmed.features.drawings.tables import AnalysisBatch
from factories.api import Api, picture
from integration.server.contract import shapes
from integration.server.contract.shapes import mismatches

IMPOSSIBLE = [0, -1, 99_999, 2**31, 10**30]


class TestAnalyze:
    def test_one_answer_however_often_it_is_asked(self, api: Api) -> None:
        first = api.json("POST", "/analysis/analyze/1")["analysis"]
        body = {"drawing_id": 1, "force_reanalysis": True}
        again = api.json("POST", "/analysis/analyze/1", json=body)["analysis"]
        assert again == first
        assert api.get("/analysis/drawing/1")["total_count"] == 1

    def test_a_drawing_is_embedded_where_it_was_not(self, api: Api) -> None:
        drawing = api.upload(picture()).json()["id"]
        analysis = api.json("POST", f"/analysis/analyze/{drawing}")["analysis"]
        assert (analysis["decision"], analysis["role"]) == ("ranked", "new")
        assert analysis["age_group"] == "6.0-9.0"
        assert api.json("POST", f"/analysis/embeddings/{drawing}")["status"] == "exists"

    def test_an_explanation_comes_with_it_unless_it_is_not_wanted(self, api: Api) -> None:
        quick = api.json("POST", "/analysis/analyze/1", params={"explain": False})
        assert quick["interpretability"] is None
        assert quick["interpretability_reason"]
        assert quick["comparison_examples"] == []
        whole = api.json("POST", "/analysis/analyze/1")
        assert not list(mismatches(shapes.INTERPRETABILITY, whole["interpretability"]))
        assert whole["interpretability_reason"] is None

    @pytest.mark.req("D-29.2")
    def test_examples_are_loaded_drawings_or_there_are_none(self, api: Api) -> None:
        found = api.json("POST", "/analysis/analyze/1")["comparison_examples"]
        assert 1 <= len(found) <= 3
        for example in found:
            drawing = api.get(f"/drawings/{example['drawing_id']}")
            assert drawing["filename"] == example["filename"]
            assert drawing["age_years"] == example["age_years"]
        assert 1 not in {example["drawing_id"] for example in found}
        elsewhere = api.upload(picture(), age_years="15").json()["id"]
        assert api.get(f"/drawings/{elsewhere}/neighbours") == []

    @pytest.mark.parametrize("number", IMPOSSIBLE)
    def test_an_unknown_drawing(self, settled: Api, number: int) -> None:
        for method, path in (("POST", "analyze"), ("POST", "embeddings"), ("GET", "drawing")):
            answer = settled.ask(method, f"/analysis/{path}/{number}")
            assert answer.status_code == 404
            assert isinstance(answer.json()["detail"], str)

    @pytest.mark.req("D-7.4")
    def test_no_model_for_the_age(self, api: Api) -> None:
        drawing = api.upload(picture(), age_years="15").json()["id"]
        answer = api.ask("POST", f"/analysis/analyze/{drawing}")
        assert answer.status_code == 400
        assert "Train a model" in answer.json()["detail"]

    @pytest.mark.req("S-9.3")
    def test_a_changed_model_answers_nothing(self, api: Api) -> None:
        for path in (api.home.settings.home / "files" / "artifacts").rglob("*.safetensors"):
            path.write_bytes(path.read_bytes()[:-1] + b"?")
        answer = api.ask("POST", "/analysis/analyze/1")
        body = answer.json()
        assert (answer.status_code, body["type"]) == (503, "system_error")
        assert body["error"] == body["detail"]
        assert body["request_id"] == answer.headers["x-request-id"]

    @pytest.mark.parametrize(
        "body", [{}, {"drawing_id": 0}, {"drawing_id": "x"}, {"force_reanalysis": True}, []]
    )
    def test_a_body_of_another_form(self, settled: Api, body: object) -> None:
        answer = settled.ask("POST", "/analysis/analyze/1", json=body)
        assert answer.status_code == 422
        assert isinstance(answer.json()["detail"], list)


class TestEmbeddings:
    def test_the_length_is_that_of_what_the_model_sees(self, empty: Api) -> None:
        drawing = empty.upload(picture()).json()["id"]
        made = empty.json("POST", f"/analysis/embeddings/{drawing}")
        again = empty.json("POST", f"/analysis/embeddings/{drawing}")
        assert (made["status"], again["status"]) == ("generated", "exists")
        assert made["embedding_id"] == again["embedding_id"]
        assert made["vector_dimension"] == 64 + 1, "the age stands beside the picture's vector"

    def test_without_the_age_where_the_model_omits_it(self, api: Api) -> None:
        api.json("DELETE", "/models/1")
        wanted = {"age_min": 3, "age_max": 6, "min_samples": 10, "model_type": "knn"}
        api.json("POST", "/models/train", json=wanted | {"layout": "visual", "seed": 7})
        api.work_off()
        assert api.json("POST", "/analysis/embeddings/1")["vector_dimension"] == 64


class TestBatch:
    @pytest.mark.req("D-16.1")
    def test_it_is_worked_off_in_the_background(self, api: Api) -> None:
        accepted = api.json("POST", "/analysis/batch", json={"drawing_ids": [3, 1, 2]})
        progress = accepted["progress_url"].removeprefix("/api/v1")
        before = api.get(progress)
        assert (before["status"], before["completed"]) == ("processing", 0)
        assert (before["results"], before["completed_at"]) == ([], None)
        api.work_off()
        after = api.get(progress)
        assert (after["status"], after["completed"], after["failed"]) == ("completed", 3, 0)
        assert [each["drawing"]["id"] for each in after["results"]] == [1, 2, 3]
        assert after["completed_at"] >= after["started_at"]

    @pytest.mark.req("S-9.3")
    @pytest.mark.req("D-16.1")
    def test_a_changed_model_stops_it_and_it_is_kept_with_the_reason(self, api: Api) -> None:
        for path in (api.home.settings.home / "files" / "artifacts").rglob("*.safetensors"):
            path.write_bytes(path.read_bytes()[:-1] + b"?")
        answer = api.ask("POST", "/analysis/batch", json={"drawing_ids": [1, 2]})
        assert answer.status_code == 503
        with api.home.database.read() as session:
            batch = session.scalars(select(AnalysisBatch)).one()
        assert (batch.status, batch.completed, batch.failed) == ("failed", 0, 2)
        assert batch.errors == [answer.json()["detail"]]

    @pytest.mark.req("D-16.1")
    def test_the_words_of_its_progress(self, api: Api) -> None:
        uid = api.json("POST", "/analysis/batch", json={"drawing_ids": [1, 2, 3]})["batch_id"]
        for told, words in (
            ({"completed": 1}, "processing_drawing_1_of_3"),
            (
                {"status": "failed", "failed": 2, "errors": ["No model.", "None at all."]},
                "failed: No model.; None at all.",
            ),
        ):
            with api.home.database.write() as session:
                batch = session.scalars(select(AnalysisBatch)).one()
                for name, value in told.items():
                    setattr(batch, name, value)
            found = api.get(f"/analysis/batch/{uid}/progress")
            assert found["status"] == words
            assert not list(mismatches(shapes.BATCH_PROGRESS, found))
        assert [each["error"] for each in found["errors"]] == ["No model.", "None at all."]

    @pytest.mark.parametrize(
        ("body", "status"),
        [
            ({"drawing_ids": [1, 99_999, 88_888]}, 400),
            ({"drawing_ids": []}, 422),
            ({"drawing_ids": [0]}, 422),
            ({"drawing_ids": [-1]}, 422),
            ({"drawing_ids": [1, 1]}, 422),
            ({"drawing_ids": [10**30]}, 422),
            ({"drawing_ids": list(range(1, 102))}, 422),
            ({"drawing_ids": ["x"]}, 422),
            ({}, 422),
        ],
    )
    def test_what_cannot_be_a_batch(self, settled: Api, body: dict[str, Any], status: int) -> None:
        answer = settled.ask("POST", "/analysis/batch", json=body)
        assert answer.status_code == status
        if status == 400:
            assert "88888, 99999" in answer.json()["detail"]
        assert settled.get("/jobs")["jobs"] == []

    @pytest.mark.parametrize("uid", ["0" * 32, "x", "%00", "a" * 5000])
    def test_an_unknown_one(self, settled: Api, uid: str) -> None:
        assert settled.ask("GET", f"/analysis/batch/{uid}/progress").status_code == 404


class TestHistory:
    @pytest.mark.req("D-16.1")
    def test_newest_first_and_all_are_counted(self, api: Api) -> None:
        for percentile in (95, 90, 85):
            api.json("PUT", "/config/threshold", params={"percentile": percentile})
            api.json("POST", "/analysis/analyze/1")
        whole, part = (api.get("/analysis/drawing/1", params={"limit": limit}) for limit in (10, 2))
        times = [each["analysis_timestamp"] for each in whole["analyses"]]
        assert times == sorted(times, reverse=True)
        assert [each["percentile"] for each in whole["analyses"]] == [85, 90, 95]
        assert part["analyses"] == whole["analyses"][:2]
        assert part["total_count"] == whole["total_count"] == 3

    @pytest.mark.parametrize("limit", [0, -1, 1001, "x", 10**30])
    def test_a_limit_has_bounds(self, settled: Api, limit: object) -> None:
        answer = settled.ask("GET", "/analysis/drawing/1", params={"limit": str(limit)})
        assert answer.status_code == 422


class TestStored:
    def test_a_stored_answer_is_given_as_it_was(self, api: Api) -> None:
        made = api.json("POST", "/analysis/analyze/1")
        number = made["analysis"]["id"]
        assert api.get(f"/analysis/{number}")["analysis"] == made["analysis"]
        api.json("PUT", "/config/threshold", params={"percentile": 60})
        assert api.get(f"/analysis/{number}")["analysis"] == made["analysis"]

    @pytest.mark.parametrize("number", IMPOSSIBLE)
    @pytest.mark.parametrize("path", ["", "/overlay.png", "/saliency.png", "/saliency.json"])
    def test_an_unknown_one(self, settled: Api, number: int, path: str) -> None:
        assert settled.ask("GET", f"/analysis/{number}{path}").status_code == 404

    @pytest.mark.req("S-8.1")
    def test_pictures_that_explain_are_downloads_of_the_drawings_size(self, settled: Api) -> None:
        number = settled.get("/analysis/drawing/1")["analyses"][0]["id"]
        for name in ("overlay", "saliency"):
            answer = settled.ask("GET", f"/analysis/{number}/{name}.png")
            disposition = f'attachment; filename="{name}_{number}.png"'
            assert answer.headers["content-disposition"] == disposition
            assert answer.headers["x-content-type-options"] == "nosniff"
            assert Image.open(BytesIO(answer.content)).size == (64, 64)
        data = settled.ask("GET", f"/analysis/{number}/saliency.json")
        assert data.headers["content-type"] == "application/json"
        assert data.headers["content-disposition"].startswith("attachment")

    @pytest.mark.req("D-29.1")
    def test_a_place_is_told_as_the_page_reads_it_too(self, settled: Api) -> None:
        found = settled.json("POST", "/analysis/analyze/1")["interpretability"]
        for region in found["importance_regions"]:
            left, top, right, bottom = region["bounding_box"]
            assert (region["x"], region["y"]) == (left, top)
            assert (region["x"] + region["width"], region["y"] + region["height"]) == (
                right,
                bottom,
            )
            assert region["importance"] == region["importance_score"]

    def test_what_has_no_score_has_no_explanation(self, api: Api) -> None:
        buffer = BytesIO()
        Image.new("RGB", (64, 64), "white").save(buffer, "PNG")
        drawing = api.upload(buffer.getvalue()).json()["id"]
        result = api.json("POST", f"/analysis/analyze/{drawing}")
        assert result["interpretability"] is None
        assert result["interpretability_reason"]
        number = result["analysis"]["id"]
        assert api.ask("GET", f"/analysis/{number}/overlay.png").status_code == 409


@pytest.mark.req("D-16.1")
def test_statistics_hold_the_ten_newest(api: Api) -> None:
    api.json("POST", "/analysis/batch", json={"drawing_ids": list(range(1, 13))})
    api.work_off()
    found = api.get("/analysis/stats")
    times = [each["analysis_timestamp"] for each in found["recent_analyses"]]
    assert len(times) == 10
    assert times == sorted(times, reverse=True)
    assert found["total_analyses"] == 12
    assert found["model_status"]["last_updated"]


def test_statistics_of_nothing(empty: Api) -> None:
    found = empty.get("/analysis/stats")
    assert (found["total_drawings"], found["recent_analyses"]) == (0, [])
    assert found["model_status"]["last_updated"] == ""
    assert found["age_distribution"] == []
