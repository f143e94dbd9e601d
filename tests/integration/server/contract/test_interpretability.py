"""Contract 2.3: what explanations answer beyond their shape, notes, files, and refusals."""

import json
import shutil
from collections.abc import Iterator
from datetime import datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from deepmed.features.drawings.explanation import trust
from deepmed.features.drawings.explanation.texts import FORBIDDEN_WORDS
from deepmed.features.drawings.exports import expiry
from deepmed.kit import clock
from factories.api import Api, api_on, picture

PARTS = ("interactive", "simplified", "confidence", "attribution")
FORMATS = {
    "pdf": b"%PDF",
    "png": b"\x89PNG",
    "csv": b"analysis_id",
    "json": b"{",
    "html": b"<!doctype html>",
    "pptx": b"PK",
}
NOTE = {"region_id": "region-1", "annotation_text": "A thick line", "annotation_type": "Question"}


def base(analysis: int) -> str:
    return f"/interpretability/{analysis}"


def analysed(api: Api, drawing: int = 1) -> int:
    number: int = api.json("POST", f"/analysis/analyze/{drawing}")["analysis"]["id"]
    return number


def blank(api: Api) -> int:
    """The analysis of a page with nothing on it: it has no score."""
    buffer = BytesIO()
    Image.new("RGB", (64, 64), "white").save(buffer, "PNG")
    drawing = api.upload(buffer.getvalue()).json()["id"]
    return analysed(api, drawing)


def exported(api: Api, analysis: int, **wanted: Any) -> tuple[dict[str, Any], bytes]:
    told = api.json("POST", f"{base(analysis)}/export", json=wanted)
    answer = api.ask("GET", told["file_url"].removeprefix("/api/v1"))
    assert answer.status_code == 200
    return told, answer.content


@pytest.fixture(scope="module")
def busy(_trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """On a copy that the tests of a module share; each takes other drawings."""
    folder = tmp_path_factory.mktemp("busy") / "home"
    shutil.copytree(_trained, folder)
    with api_on(folder) as made:
        yield made


class TestInteractive:
    def test_regions_are_the_maps_own(self, settled: Api) -> None:
        analysis = analysed(settled)
        found = settled.get(f"{base(analysis)}/interactive")
        shown = settled.get(f"/analysis/{analysis}")["interpretability"]
        regions = found["saliency_regions"]
        for mine, theirs in zip(regions, shown["importance_regions"], strict=True):
            both = mine.keys() & theirs.keys()
            assert both >= {"region_id", "bounding_box", "importance_score", "spatial_location"}
            assert {name: mine[name] for name in both} == {name: theirs[name] for name in both}
        drawing = settled.get("/drawings/1")
        size = found["interaction_metadata"]["image_dimensions"]
        assert size == [drawing["width"], drawing["height"]]
        assert found["region_explanations"].keys() == {one["region_id"] for one in regions}

    @pytest.mark.req("D-29.1")
    def test_no_attention_where_the_encoder_has_none(self, settled: Api) -> None:
        found = settled.get(f"{base(analysed(settled))}/interactive")
        assert found["attention_patches"] == []
        assert "only vision transformers" in found["reasons"]["attention_patches"]
        assert set(found["confidence_scores"].values()) == {None}
        assert found["reasons"]["confidence_scores"]

    def test_what_was_kept_is_told_when_the_model_is_in_use_no_more(self, api: Api) -> None:
        analysis = analysed(api)
        before = api.get(f"{base(analysis)}/interactive")
        api.json("POST", "/config/reset", params={"confirm": True})
        assert api.get(f"{base(analysis)}/interactive") == before
        plain = api.get(f"{base(analysis)}/simplified")
        assert plain["natural_frequency"].startswith("At most about")

    @pytest.mark.req("D-17.3")
    def test_a_slow_encoders_map_is_measured_by_a_job(
        self, api: Api, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        path = f"{base(analysed(api, 2))}/faithfulness"
        assert api.json("POST", path) == {
            "analysis_id": 1,
            "status": "measured",
            "job_id": None,
            "progress_url": None,
        }
        monkeypatch.setattr(trust, "is_slow", lambda _: True)
        number = analysed(api, 3)
        told = api.json("POST", f"{base(number)}/faithfulness")
        assert (told["analysis_id"], told["status"]) == (number, "measuring")
        kept = api.get(f"/analysis/{number}")["interpretability"]["faithfulness"]
        assert kept["measured_on"] == "model"
        api.work_off()
        assert api.get(told["progress_url"].removeprefix("/api/v1"))["state"] == "succeeded"
        after = api.get(f"/analysis/{number}")["interpretability"]
        assert after["faithfulness"]["measured_on"] == "map"
        assert after["faithfulness"]["faithful"] is after["faithful"]
        assert api.json("POST", f"{base(number)}/faithfulness")["status"] == "measured"
        assert api.ask("POST", f"{base(blank(api))}/faithfulness").status_code == 404
        assert api.stranger().ask("POST", path).status_code == 404

    def test_without_a_score_there_is_nothing_to_touch(self, api: Api) -> None:
        analysis = blank(api)
        answer = api.ask("GET", f"{base(analysis)}/interactive")
        assert answer.status_code == 404
        assert "blank" in answer.json()["detail"]
        assert (
            api.ask("POST", f"{base(analysis)}/export", json={"format": "pdf"}).status_code == 404
        )


class TestWithoutAScore:
    """What needs no map answers all the same: nulls, each with its reason."""

    @pytest.mark.req("D-29.1")
    def test_numbers_are_null_with_a_reason(self, api: Api) -> None:
        analysis = blank(api)
        confidence = api.get(f"{base(analysis)}/confidence")
        for name in ("overall_confidence", "explanation_reliability"):
            assert confidence[name] is None
            assert confidence["reasons"][name]
        attribution = api.get(f"{base(analysis)}/attribution")
        assert attribution["overall_anomaly_score"] is None
        assert attribution["age_comparison"]["groups"] == []
        plain = api.get(f"{base(analysis)}/simplified")
        assert plain["confidence_level"] == "Not given"
        assert plain["visual_indicators"] == []
        assert plain["reasons"]["visual_indicators"]


class TestSimplified:
    @pytest.mark.req("D-18.1")
    @pytest.mark.parametrize("role", ["researcher", "educator", "clinician"])
    def test_each_reader_has_three_findings_and_advice_of_its_own(
        self, settled: Api, role: str
    ) -> None:
        analysis = analysed(settled)
        found = settled.get(f"{base(analysis)}/simplified", params={"user_role": role.upper()})
        other = settled.get(f"{base(analysis)}/simplified", params={"user_role": "somebody"})
        assert (found["user_role"], other["user_role"]) == (role, "general")
        assert len(found["key_findings"]) == len(found["visual_indicators"]) == 3
        assert len(found["recommendations"]) == 3
        assert found["recommendations"] != other["recommendations"]

    @pytest.mark.req("D-28.1")
    def test_parents_are_told_only_where_that_is_switched_on(
        self, settled: Api, trained_home: Path
    ) -> None:
        asked = {"user_role": "parent"}
        answer = settled.ask("GET", f"{base(analysed(settled))}/simplified", params=asked)
        assert answer.status_code == 409
        assert "switched off" in answer.json()["detail"]
        options = {"format": "json", "export_options": asked}
        assert settled.ask("POST", f"{base(1)}/export", json=options).status_code == 409
        with api_on(trained_home, parent_texts=True) as api:
            found = api.get(f"{base(analysed(api))}/simplified", params=asked)
        assert found["visual_indicators"] == []
        assert "nothing about the child" in found["key_findings"][2]

    @pytest.mark.req("D-28.1")
    def test_a_flag_has_its_natural_frequency_and_first_steps_and_no_forbidden_word(
        self, api: Api
    ) -> None:
        api.json("PUT", "/config/threshold", params={"percentile": 50})
        rows = [
            api.json("POST", f"/analysis/analyze/{drawing}")["analysis"] for drawing in range(1, 9)
        ]
        flagged = next(row for row in rows if row["is_anomaly"])
        for role in ("researcher", "educator", "clinician", "anybody"):
            found = api.get(f"{base(flagged['id'])}/simplified", params={"user_role": role})
            assert found["natural_frequency"] in found["key_findings"]
            assert "typical drawings are flagged" in found["natural_frequency"]
            assert len(found["recommendations"]) == 3
            text = json.dumps(found).lower()
            assert [word for word in FORBIDDEN_WORDS if f" {word}" in text] == []


class TestAttribution:
    @pytest.mark.req("D-16.2")
    def test_the_parts_are_those_of_the_analysis(self, settled: Api) -> None:
        analysis = analysed(settled)
        parts = settled.get(f"/analysis/{analysis}")["analysis"]["parts"]
        found = settled.get(f"{base(analysis)}/attribution")
        subject = found["component_breakdown"]["subject_component"]
        assert subject["p_value"] == parts["subject"]["p_value"]
        assert subject["children"] == parts["subject"]["children"] >= 19
        assert found["age_comparison"]["groups"] == parts["age"]["groups"]

    @pytest.mark.req("D-16.2")
    def test_a_thin_subject_has_a_reason_and_no_number(self, api: Api) -> None:
        drawing = api.upload(picture(), subject="cactus").json()["id"]
        found = api.get(f"{base(analysed(api, drawing))}/attribution")
        assert found["component_breakdown"]["subject_component"]["p_value"] is None
        assert "19 are needed" in found["reasons"]["subject_component.p_value"]


class TestExamples:
    @pytest.mark.req("D-29.2")
    def test_without_drawings_there_are_none(self, empty: Api) -> None:
        assert empty.get("/interpretability/examples") == []
        found = empty.get("/interpretability/examples/3-6")
        assert (found["normal_examples"], found["anomalous_examples"]) == ([], [])
        assert found["total_available"] == 0

    @pytest.mark.req("D-29.2")
    def test_they_are_loaded_drawings_in_the_order_of_their_rank(self, api: Api) -> None:
        api.json("PUT", "/config/threshold", params={"percentile": 60})
        api.json("POST", "/analysis/batch", json={"drawing_ids": list(range(1, 60))})
        api.work_off()
        found = api.get("/interpretability/examples/3-6", params={"limit": 100})
        normal = [one["normalized_score"] for one in found["normal_examples"]]
        unusual = [one["normalized_score"] for one in found["anomalous_examples"]]
        assert normal == sorted(normal)
        assert unusual == sorted(unusual, reverse=True)
        assert found["total_available"] == len(normal) + len(unusual)
        assert normal[-1] < 60 <= unusual[-1]
        drawn = api.get(f"/drawings/{found['anomalous_examples'][0]['drawing_id']}")
        assert 3 <= drawn["age_years"] < 6
        one = api.get(
            "/interpretability/examples/3-6", params={"limit": 1, "example_type": "normal"}
        )
        assert one["normal_examples"] == found["normal_examples"][:1]
        assert (one["anomalous_examples"], one["total_available"]) == ([], len(normal))
        none = api.get("/interpretability/examples/3-6", params={"subject": "whale"})
        assert none["total_available"] == 0

    @pytest.mark.req("D-29.2")
    def test_patterns_name_the_drawings_they_are_made_of(self, api: Api) -> None:
        api.json("PUT", "/config/threshold", params={"percentile": 60})
        api.json("POST", "/analysis/batch", json={"drawing_ids": list(range(1, 60))})
        api.work_off()
        everything = api.get("/interpretability/examples")
        group = api.get("/interpretability/examples", params={"age_group": "3.0-6.0"})
        assert [one for one in everything if one["age_group"] == "3.0-6.0"] == group
        assert api.get("/interpretability/examples", params={"age_group": "7-8"}) == []
        kinds = {one["example_type"]: one for one in group}
        worst = api.get("/interpretability/examples/3-6")["anomalous_examples"][0]
        assert kinds["anomalous"]["metadata"]["drawing_id"] == worst["drawing_id"]
        for one in group:
            assert api.ask("GET", one["image_url"].removeprefix("/api/v1")).status_code == 200
            assert one["metadata"]["developmental_significance"] is None

    @pytest.mark.parametrize(
        ("path", "status"),
        [
            ("6", 400),
            ("nine-ten", 400),
            ("9-6", 400),
            ("1-40", 400),
            ("nan-6", 400),
            ("6-9?example_type=weird", 400),
            ("6-9?limit=0", 422),
            ("6-9?limit=x", 422),
        ],
    )
    def test_what_is_no_group_or_type(self, settled: Api, path: str, status: int) -> None:
        assert settled.ask("GET", f"/interpretability/examples/{path}").status_code == status


class TestAnnotations:
    @pytest.mark.req("D-20.1")
    def test_they_stand_beside_the_explanation_and_never_over_it(self, busy: Api) -> None:
        analysis = analysed(busy, 11)
        before = busy.get(f"/analysis/{analysis}")["interpretability"]
        made = busy.json("POST", f"{base(analysis)}/annotate", json=NOTE | {"user_id": "Kim"})
        assert busy.get(f"/analysis/{analysis}")["interpretability"] == before
        listed = busy.get(f"{base(analysis)}/annotations")
        assert listed["total_count"] == 1
        note = listed["annotations"][0]
        assert note["annotation_id"] == made["annotation_id"]
        assert (note["author"], note["user_id"]) == ("local", "Kim")
        assert (note["annotation_type"], note["version"]) == ("question", 1)
        assert note["bounding_box"] == before["importance_regions"][0]["bounding_box"]

    @pytest.mark.req("D-20.1")
    def test_a_change_and_a_deletion_keep_what_was_said_before(self, busy: Api) -> None:
        analysis = analysed(busy, 12)
        uid = busy.json("POST", f"{base(analysis)}/annotate", json=NOTE)["annotation_id"]
        path = f"{base(analysis)}/annotations/{uid}"
        changed = busy.json("PUT", path, json={"annotation_text": "Two lines", "version": 1})
        assert (changed["annotation_text"], changed["version"]) == ("Two lines", 2)
        assert changed["annotation_type"] == "question"
        assert busy.json("PUT", path, json={"annotation_text": "Two lines"})["version"] == 2
        late = busy.ask("PUT", path, json={"annotation_text": "Mine", "version": 1})
        assert late.status_code == 409
        gone = busy.json("DELETE", path)
        assert gone["deleted"] is True
        assert busy.get(f"{base(analysis)}/annotations")["annotations"] == []
        kept = busy.get(f"{base(analysis)}/annotations", params={"deleted": True})["annotations"]
        assert [one["annotation_id"] for one in kept] == [uid]
        history = busy.get(path)["history"]
        assert [(one["deed"], one["annotation_text"], one["author"]) for one in history] == [
            ("created", "A thick line", "local"),
            ("edited", "Two lines", "local"),
            ("deleted", "Two lines", "local"),
        ]
        assert [one["version"] for one in history] == [1, 2, 3]
        assert busy.ask("DELETE", path).status_code == 404
        assert busy.ask("PUT", path, json={"annotation_text": "Again"}).status_code == 404

    def test_the_whole_drawing_and_places_of_ones_own(self, busy: Api) -> None:
        analysis = blank(busy)
        for region in ("drawing", "center_main"):
            busy.json("POST", f"{base(analysis)}/annotate", json=NOTE | {"region_id": region})
        boxes = [
            one["bounding_box"] for one in busy.get(f"{base(analysis)}/annotations")["annotations"]
        ]
        assert boxes == [None, None]

    @pytest.mark.parametrize(
        "change",
        [
            {"annotation_text": ""},
            {"annotation_text": "  "},
            {"annotation_text": "x" * 501},
            {"annotation_text": "\0"},
            {"annotation_text": "\x1b[31m"},
            {"annotation_type": "rumour"},
            {"annotation_type": None},
            {"region_id": ""},
            {"region_id": None},
            {"user_id": "x" * 101},
        ],
    )
    def test_what_is_no_note(self, settled: Api, change: dict[str, Any]) -> None:
        answer = settled.ask("POST", f"{base(1)}/annotate", json=NOTE | change)
        assert answer.status_code == 422
        assert isinstance(answer.json()["detail"], list)

    def test_a_note_of_500_letters_in_any_script(self, busy: Api) -> None:
        text = "線\n" * 250
        analysis = analysed(busy, 13)
        busy.json("POST", f"{base(analysis)}/annotate", json=NOTE | {"annotation_text": text})
        assert (
            busy.get(f"{base(analysis)}/annotations")["annotations"][0]["annotation_text"] == text
        )

    def test_another_analysis_has_not_this_note(self, busy: Api) -> None:
        first, second = analysed(busy, 21), analysed(busy, 22)
        uid = busy.json("POST", f"{base(first)}/annotate", json=NOTE)["annotation_id"]
        assert busy.ask("GET", f"{base(second)}/annotations/{uid}").status_code == 404


class TestExport:
    @pytest.mark.req("D-20.1")
    @pytest.mark.parametrize("form", FORMATS)
    def test_each_format_can_be_fetched_as_an_attachment(self, settled: Api, form: str) -> None:
        told, content = exported(settled, analysed(settled), format=form.upper())
        assert content.startswith(FORMATS[form])
        assert len(content) == told["file_size"]
        assert told["file_path"].startswith("exports/interpretability_analysis_")
        assert told["file_path"].endswith(f".{form}")
        answer = settled.ask("GET", told["file_url"].removeprefix("/api/v1"))
        assert answer.headers["content-disposition"].startswith("attachment")
        made, expires = map(datetime.fromisoformat, (told["created_at"], told["expires_at"]))
        assert expires - made == timedelta(hours=24)

    def test_unknown_options_are_told(self, settled: Api) -> None:
        options = {"resolution": "high", "glitter": True}
        told, _ = exported(settled, analysed(settled), format="json", export_options=options)
        assert told["ignored_options"] == ["glitter"]

    @pytest.mark.parametrize(
        "wanted",
        [
            {},
            {"format": "docx"},
            {"format": 3},
            {"format": "pdf", "include_annotations": "perhaps"},
            {"format": "pdf", "export_options": {"page_size": "A0"}},
            {"format": "pdf", "export_options": []},
        ],
    )
    def test_what_cannot_be_exported(self, settled: Api, wanted: dict[str, Any]) -> None:
        assert settled.ask("POST", f"{base(1)}/export", json=wanted).status_code == 422

    @pytest.mark.req("D-20.1")
    def test_after_a_day_the_file_is_gone(self, api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
        told, _ = exported(api, analysed(api), format="csv")
        path = told["file_url"].removeprefix("/api/v1")
        later = clock.now() + timedelta(hours=24, seconds=1)
        monkeypatch.setattr(clock, "now", lambda: later)
        assert api.ask("GET", path).status_code == 404
        assert api.bench.storage.exists(told["file_path"]), "only not found so far"
        assert expiry.delete_expired(api.home.database, api.home.storage) == 1
        assert not api.bench.storage.exists(told["file_path"])
        assert expiry.delete_expired(api.home.database, api.home.storage) == 0

    def test_the_next_export_takes_expired_ones_along(
        self, api: Api, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        analysis = analysed(api)
        told, _ = exported(api, analysis, format="csv")
        later = clock.now() + timedelta(days=2)
        monkeypatch.setattr(clock, "now", lambda: later)
        exported(api, analysis, format="csv")
        assert not api.bench.storage.exists(told["file_path"])

    @pytest.mark.req("D-30.2")
    def test_deleting_a_drawing_takes_notes_and_every_file_that_may_show_it(self, api: Api) -> None:
        first, second = analysed(api, 1), analysed(api, 2)
        api.json("POST", f"{base(first)}/annotate", json=NOTE)
        files = [exported(api, one, format="html")[0]["file_path"] for one in (first, second)]
        assert api.ask("DELETE", "/drawings/1").status_code == 204
        assert not any(map(api.bench.storage.exists, files))
        assert api.ask("GET", f"{base(first)}/annotations").status_code == 404

    @pytest.mark.parametrize("name", ["0" * 32, "..", "%2e%2e%2fdeepmed.db", "x" * 32, "1"])
    def test_what_is_no_export(self, settled: Api, name: str) -> None:
        assert settled.ask("GET", f"/interpretability/exports/{name}").status_code == 404


@pytest.mark.parametrize("number", [0, -1, 99_999, 2**31, 10**30])
def test_an_unknown_analysis(settled: Api, number: int) -> None:
    for part in (*PARTS, "annotations"):
        answer = settled.ask("GET", f"{base(number)}/{part}")
        assert answer.status_code == 404
        assert isinstance(answer.json()["detail"], str)
    assert settled.ask("POST", f"{base(number)}/annotate", json=NOTE).status_code == 404
    assert settled.ask("POST", f"{base(number)}/export", json={"format": "pdf"}).status_code == 404
