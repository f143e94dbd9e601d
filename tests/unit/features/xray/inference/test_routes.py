"""Predictions over HTTP: the numbers that were tested, what is refused, and how it is told."""

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_sample_image

from deepmed.core.accounts.tables import Owner
from deepmed.features.xray.inference import answers
from deepmed.features.xray.inference.schemas import RiskAssessment
from deepmed.features.xray.inference.served_model import SHELF, ServedModel
from deepmed.features.xray.runs import artifact
from factories import servers
from factories.films import dicom, png
from factories.xray import SIDE, film_of

from .conftest import RUN, Ward


def records_of(ward: Ward) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(ward.run.file(artifact.PREDICTIONS))["test"]
    return found


def prediction(ward: Ward, content: bytes, **query: Any) -> Any:
    answer = ward.post("/predict", content, **query)
    assert answer.status_code == 200, answer.text
    return answer.json()["prediction"]


@pytest.mark.req("X-18.1")
def test_the_probability_served_is_the_one_that_was_tested(ward: Ward) -> None:
    records = records_of(ward)
    assert len(records) >= 20
    for record in records:
        answer = prediction(ward, (ward.films / record["image"]).read_bytes())
        assert answer["pneumonia_probability"] == pytest.approx(record["probability"], abs=1e-5)
        said = ("NORMAL", "PNEUMONIA")[record["decision"]]
        assert answer["decision"] == answer["answer"]
        assert answer["answer"] in {None, said}


@pytest.mark.req("X-18.1")
def test_a_film_in_dicom_has_the_probability_of_its_pixels(ward: Ward) -> None:
    """Identifiers in its header go nowhere."""
    pixels = film_of(1)
    pixels[0, :2] = 0, 255  # a film without a window is shown from its least level to its most
    sent = dicom(pixels, PatientName="Somebody^Known", PatientID="4711")
    answer = ward.post("/predict", sent, "a/b/film.dcm")
    assert "Known" not in answer.text
    assert "4711" not in answer.text
    both = prediction(ward, sent), prediction(ward, png(pixels))
    assert both[0]["probabilities"] == both[1]["probabilities"]


@pytest.mark.req("X-17.1")
def test_threshold_abstention_and_novelty_stand_beside_the_contracts_numbers(ward: Ward) -> None:
    point = json.loads(ward.run.file(artifact.MODEL))["operating_point"]
    answer = ward.post("/predict", ward.film()).json()
    told = answer["prediction"]
    share = told["pneumonia_probability"]
    assert told["normal_probability"] == pytest.approx(1 - share, abs=1e-12)
    assert told["threshold"] == point["threshold"]
    low, high = told["abstention"]["band"]
    assert told["abstention"]["abstains"] == (low <= share <= high)
    assert (told["answer"] is None) == told["abstention"]["abstains"]
    assert told["out_of_distribution"]["percentile"] == 95.0
    assert [one["name"] for one in told["out_of_distribution"]["checks"]] == [
        "features",
        "appearance",
        "negative",
        "colour",
    ]
    assert (told["width"], told["height"]) == (SIDE, SIDE)
    assert answer["success"] is True
    assert answer["model_version"] == answer["served_by"]["model_version"]
    assert answer["served_by"]["run_id"] == RUN
    assert answer["processing_time_ms"] > 0


CONTRACT = ("predicted_class", "decision", "confidence")


@pytest.mark.req("X-17.1")
@pytest.mark.parametrize("cut", [1.0, 0.5])
def test_no_field_names_a_class_that_is_not_answered(
    ward: Ward, monkeypatch: pytest.MonkeyPatch, cut: float
) -> None:
    abstains = cut == 1.0  # each class is possible for every image
    model = SHELF.get(
        ward.run.artifact.manifest_hash, lambda: ServedModel.of(ward.run.package.files)
    )
    rule = replace(model.loaded.point.abstention, cuts=(cut, cut))
    point = replace(model.loaded.point, abstention=rule, threshold=0.5)
    changed = replace(model, loaded=replace(model.loaded, point=point))
    monkeypatch.setattr(SHELF, "get", lambda *_: changed)
    told = prediction(ward, ward.film())
    assert told["abstention"]["abstains"] is abstains
    assert told["probabilities"]["PNEUMONIA"] == told["pneumonia_probability"]
    if abstains:
        assert [told[name] for name in ("answer", *CONTRACT)] == [None] * 4
        why = told["abstention"]["reason"]
        assert all(told["reasons"][name] == why for name in ("answer", *CONTRACT))
    else:
        likely = max(told["probabilities"], key=told["probabilities"].__getitem__)
        assert [told[name] for name in CONTRACT] == [likely, likely, told["probabilities"][likely]]
    summary = batch(ward, {"a.png": ward.film(), "b.png": ward.film()})["summary"]
    assert summary["abstained"] == (2 if abstains else 0)
    assert sum(summary["class_counts"].values()) == (0 if abstains else 2)
    assert summary["avg_confidence"] == told["confidence"]


def batch(ward: Ward, contents: dict[str, bytes]) -> Any:
    sent = [("files", (name, content, "image/png")) for name, content in contents.items()]
    answer = ward.client.post("/api/inference/predict-batch", files=sent)
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.mark.req("X-15.4")
def test_no_clinical_meaning_is_given_without_evidence_from_the_place(ward: Ward) -> None:
    asked = {"include_clinical_interpretation": True}
    answer = ward.post("/predict", ward.film(), **asked).json()
    assert answer["clinical_interpretation"] is None
    assert "calibration" in answer["prediction"]["reasons"]["clinical_interpretation"]
    level = RiskAssessment.model_json_schema()["properties"]["risk_level"]
    assert "HIGH" in str(level["anyOf"])
    assert "CRITICAL" not in str(level["anyOf"])


def strange() -> dict[str, bytes]:
    """A photograph in grey, so that no colour gives it away, noise, a drawing, an inverted film."""
    grey = Image.fromarray(load_sample_image("china.jpg")).convert("L").resize((SIDE, SIDE))
    stroke = np.abs(np.subtract.outer(np.arange(SIDE), np.arange(SIDE))) < 2
    noise = np.random.default_rng(0).integers(0, 256, (SIDE, SIDE), dtype=np.uint8)
    return {
        "photograph": png(np.asarray(grey)),
        "noise": png(noise),
        "drawing": png(np.where(stroke, 0, 255).astype(np.uint8)),
        "inverted": png(255 - film_of(1)),
    }


@pytest.mark.req("X-17.1")
@pytest.mark.req("V-9.1")
@pytest.mark.parametrize("kind", ["photograph", "noise", "drawing", "inverted"])
def test_what_is_no_such_film_is_refused_with_the_reason(ward: Ward, kind: str) -> None:
    told = prediction(ward, strange()[kind])
    assert told["refused"] is True
    assert told["predicted_class"] is told["confidence"] is told["answer"] is None
    assert "unlike those that the model was made for" in told["out_of_distribution"]["reason"]
    assert told["reasons"]["answer"].startswith(told["out_of_distribution"]["reason"])


def test_what_cannot_be_read_is_told_in_the_contracts_form(ward: Ward) -> None:
    for content in (b"", b"no picture", ward.film()[:60], b"GIF89a" + bytes(40)):
        answer = ward.post("/predict", content)
        assert answer.status_code == 400, answer.text
        assert set(answer.json()) == {"detail"}
        assert "othing was predicted" in answer.json()["detail"]
    assert ward.client.post("/api/inference/predict").status_code == 422
    assert ward.post("/predict", ward.film(), run_id=99).status_code == 404
    assert ward.post("/predict", ward.film(), run_id="one").status_code == 422
    assert ward.post("/predict", ward.film(), run_id=10**30).status_code == 404


def test_an_upload_has_a_limit(ward: Ward, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("deepmed.features.xray.source.reading._LARGEST_DICOM", 1)
    small = ward.home.settings.model_copy(update={"max_file_bytes": 100})
    monkeypatch.setattr(answers, "content_of", lambda file, _: real(file, small))
    answer = ward.post("/predict", ward.film())
    assert answer.status_code == 413, answer.text


real = answers.content_of


@pytest.mark.req("X-17.1")
def test_a_batch_answers_each_image_and_names_the_broken_one(ward: Ward) -> None:
    contents = {"a.png": ward.film("f1-0"), "../b.png": b"broken", "c.png": strange()["noise"]}
    found = batch(ward, contents)
    assert [item["filename"] for item in found["results"]] == ["a.png", "b.png", "c.png"]
    assert [item["success"] for item in found["results"]] == [True, False, True]
    assert "othing was predicted" in found["results"][1]["error"]
    alone = prediction(ward, contents["a.png"])
    assert found["results"][0]["prediction"] == alone
    summary = found["summary"]
    assert (summary["total_images"], summary["successful"], summary["failed"]) == (3, 2, 1)
    assert summary["refused"] == 1
    assert summary["abstained"] == int(alone["abstention"]["abstains"])
    counts = {"NORMAL": summary["normal_count"], "PNEUMONIA": summary["pneumonia_count"]}
    assert counts == summary["class_counts"]
    assert sum(counts.values()) == int(alone["answer"] is not None)
    assert summary["avg_confidence"] == alone["confidence"]
    times = [item["processing_time_ms"] for item in found["results"]]
    assert summary["avg_processing_time_ms"] == pytest.approx(sum(times) / 3)
    assert found["total_processing_time_ms"] >= sum(times)
    assert summary["high_risk_count"] is None


def test_too_many_files_are_refused(ward: Ward) -> None:
    sent = [("files", ("a.png", b"x", "image/png"))] * 501
    for path in ("predict-batch", "heatmap-batch"):
        answer = ward.client.post(f"/api/inference/{path}", files=sent)
        assert answer.status_code == 400, answer.text
        assert "500" in answer.json()["detail"]


def test_one_image_is_answered_in_a_sentence_and_nobodys_program_is_run(ward: Ward) -> None:
    sent = {"input_file": ("a.png", ward.film(), "image/png")}
    answer = ward.client.post("/api/predict_image", files=sent).json()
    assert answer["prediction"] == prediction(ward, ward.film())
    told = answer["prediction"]
    if told["answer"] is None:
        assert all(reason in answer["output"] for reason in [told["abstention"]["reason"]])
    else:
        assert told["answer"] in answer["output"]
    package = {"model_package": ("model.zip", b"PK\3\4", "application/zip")}
    refused = ward.client.post("/api/predict_image", files=sent | package)
    assert refused.status_code == 400


def test_a_stranger_has_no_model_and_none_of_others(ward: Ward) -> None:
    with ward.home.database.write() as session:
        other = Owner(name="a stranger")
        session.add(other)
        session.flush()
    client = servers.client(ward.home.for_owner(other.id))
    sent = {"file": ("a.png", ward.film(), "image/png")}
    named = client.post("/api/inference/predict", files=sent, params={"run_id": RUN})
    assert named.status_code == 404
    unnamed = client.post("/api/inference/predict", files=sent)
    assert unnamed.status_code == 503
    assert "Train one first" in unnamed.json()["detail"]
    state = client.get("/api/inference/health").json()
    assert (state["status"], state["model_loaded"]) == ("unhealthy", False)
    assert client.get("/api/v1/xray/served").status_code == 503
    assert client.put("/api/v1/xray/served", json={"run_id": RUN}).status_code == 404


def test_the_run_that_serves_can_be_chosen(ward: Ward) -> None:
    newest = ward.client.get("/api/v1/xray/served").json()
    assert (newest["chosen"], newest["served_by"]["run_id"]) == (False, RUN)
    assert "None was chosen" in newest["served_because"]
    chosen = ward.client.put("/api/v1/xray/served", json={"run_id": RUN}).json()
    assert (chosen["chosen"], chosen["served_by"]["run_id"]) == (True, RUN)
    assert chosen["served_because"] == "It was chosen to serve."
    again = ward.client.put("/api/v1/xray/served", json={"run_id": None}).json()
    assert again == newest


def test_health_says_whether_a_model_is_loaded(ward: Ward) -> None:
    prediction(ward, ward.film())
    state = ward.client.get("/api/inference/health").json()
    assert (state["status"], state["model_loaded"]) == ("healthy", True)
    assert (
        state["model_version"]
        == ward.client.get("/api/v1/xray/served").json()["served_by"]["model_version"]
    )
    assert isinstance(state["gpu_available"], bool)
    assert state["served_by"]["run_id"] == RUN
    assert "None was chosen" in state["served_because"]
