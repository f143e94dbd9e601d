"""Reports over HTTP: what is printed is what was stored, asked, or sent, and says which."""

import base64
import io
import json
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient
from PIL import Image
from pypdf import PdfReader
from reportlab.graphics.shapes import Drawing

from deepmed.core.home import Home
from deepmed.features.xray.inference.prediction import HeatMap
from deepmed.features.xray.report import asked, given, pdf
from deepmed.features.xray.report.content import Report
from deepmed.features.xray.report.routes import MOST_APPENDED
from deepmed.features.xray.runs.reading import StoredRun
from deepmed.kit import clock
from deepmed.kit.sizes import MIB
from deepmed.web.charts import Table
from deepmed.web.formats import NOTHING
from deepmed.web.paper.fonts import font_for
from deepmed.web.paper.layout import Paper, TooHighError
from factories import servers
from factories.films import png
from factories.xray import film_of

PREDICTION = {
    "predicted_class": "PNEUMONIA",
    "confidence": 0.8125,
    "pneumonia_probability": 0.8125,
    "normal_probability": 0.1875,
}
RESULT = {"filename": "one.png", "success": True, "prediction": PREDICTION}
SUMMARY = {
    "total_images": 2, "successful": 1, "failed": 1, "pneumonia_count": 1, "normal_count": 0,
    "avg_confidence": 0.8125, "high_risk_count": 0,
}  # fmt: skip
RESULTS = [RESULT, {"filename": "two.png", "success": False, "error": "It is no picture."}]
BATCH = {"results": RESULTS, "summary": SUMMARY}
PICTURE = base64.b64encode(png(film_of(1))).decode()


@pytest.fixture(scope="module")
def client(reported: Home) -> TestClient:
    reported_client = servers.client(reported)
    chosen = reported_client.put("/api/v1/xray/served", json={"run_id": 1})
    assert chosen.status_code == 200
    return reported_client


def text_of(answer: Any) -> str:
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/pdf"
    pages = PdfReader(io.BytesIO(answer.content)).pages
    return " ".join(" ".join(page.extract_text() for page in pages).split())


def name_of(answer: Any) -> str:
    return str(answer.headers["content-disposition"]).partition('filename="')[2].rstrip('"')


@pytest.mark.req("X-19.1")
def test_the_figures_of_a_runs_report_are_those_of_the_api(client: TestClient) -> None:
    text = text_of(client.get("/api/v1/xray/runs/1/report.pdf"))
    compared = client.get("/api/v1/xray/comparison", params={"run_ids": [1, 2]}).json()
    for figures in (compared["runs"][0]["test"], compared["runs"][0]["validation"]):
        for figure in figures.values():
            if figure["low"] is not None:
                told = f"{figure['low']:.4f} to {figure['high']:.4f} (95 %)"
                assert f"{figure['estimate']:.4f} {told} {figure['sample_size']}" in text
    page = client.get("/api/v1/xray/runs/1/report.html")
    assert page.headers["content-type"].startswith("text/html")
    assert f"{compared['runs'][0]['test']['auroc']['estimate']:.4f}" in page.text


def test_a_comparison_over_http_is_the_services(client: TestClient, reported: Home) -> None:
    from deepmed.features.xray.report.comparison import compare_runs

    answer = client.get("/api/v1/xray/comparison", params={"run_ids": [1, 2, 3]})
    assert answer.json() == json.loads(json.dumps(compare_runs(reported, [1, 2, 3])))


def test_what_is_not_there_and_what_is_wrong_is_told(client: TestClient) -> None:
    assert client.get("/api/v1/xray/runs/999/report.pdf").status_code == 404
    assert client.get("/api/v1/xray/runs/1/report.docx").status_code == 422
    assert client.get("/api/v1/xray/comparison", params={"run_ids": [1]}).status_code == 400
    assert client.get("/api/v1/xray/comparison", params={"run_ids": [1, 999]}).status_code == 404


def test_an_image_is_asked_about_and_its_answer_printed(client: TestClient, reported: Home) -> None:
    sent = {"file": ("../Film 1.png", png(film_of(1)), "image/png")}
    plain = {"include_heatmap": "false", "include_clinical": "true"}
    answer = client.post("/api/inference/report/single", files=sent, data=plain)
    text = text_of(answer)
    assert name_of(answer) == "xray_report_Film_1.pdf"
    told = client.post("/api/inference/predict", files=sent).json()["prediction"]
    assert f"{told['pneumonia_probability']:.4f}" in text
    assert f"{told['threshold']:.4f}" in text
    assert told["answer"] is None
    assert "Two classes are possible" in text
    auroc = StoredRun.of(reported, 1).evaluation["test"]["report"]["figures"]["auroc"]
    assert f"AUROC {auroc['estimate']:.4f} {auroc['low']:.4f} to" in text
    assert "The image was asked about for this report" in text
    assert "A clinical interpretation was asked for; none is given" in text
    assert "CRITICAL" not in text
    assert "Which places" not in text


def test_a_map_that_would_mean_nothing_is_replaced_by_the_reason(client: TestClient) -> None:
    sent = {"file": ("film.png", png(film_of(1)), "image/png")}
    text = text_of(client.post("/api/inference/report/single", files=sent))
    assert "Which places the decision rests on" in text
    assert "There is no map: How faithful a map of this image is cannot be measured" in text


@pytest.mark.parametrize("words", ["does better", "does NOT do better"])
def test_a_map_is_printed_beside_the_image_with_how_faithful_it_is(words: str) -> None:
    beats = words == "does better"
    drawn = HeatMap(
        "grad_cam", "PNEUMONIA", png(film_of(1)), None, png(film_of(2)), {}, beats, None
    )
    section = asked._map(drawn)
    assert [one.png for one in section.pictures] == [drawn.original, drawn.picture]
    report = Report("Answer", "A map", clock.now(), [asked._measured(drawn)], [section], "")
    pages = PdfReader(io.BytesIO(pdf.write(report))).pages
    assert sum(len(page.images) for page in pages) == 2
    text = " ".join(page.extract_text() for page in pages)
    assert words in text
    assert "what raises the score of PNEUMONIA" in text


@pytest.mark.parametrize(
    ("path", "body"),
    [("single", {"prediction": PREDICTION, "filename": "one.png"}), ("batch", BATCH)],
)
def test_sent_numbers_are_printed_as_sent_and_said_to_be(
    client: TestClient, path: str, body: dict[str, Any]
) -> None:
    answer = client.post(f"/api/reports/{path}", json=body)
    text = text_of(answer)
    assert "came with the request" in text
    assert "neither computed nor stored" in text
    assert "0.8125" in text
    assert "0.1875" in text
    assert "agree with each other" in text
    assert "No model of this name is known here" in text
    stems = {"single": "pneumonia_report_", "batch": "batch_analysis_report_"}
    assert name_of(answer).startswith(stems[path])


def test_a_summary_is_counted_again_and_contradictions_are_named(client: TestClient) -> None:
    odd = {**PREDICTION, "confidence": 0.4, "normal_probability": 0.5}
    results = [{**RESULT, "prediction": odd}, RESULTS[1]]
    summary = {**SUMMARY, "pneumonia_count": 7, "high_risk_count": 3}
    text = text_of(client.post("/api/reports/batch", json={"results": results, "summary": summary}))
    assert "contradicts itself" in text
    assert "one.png: the two probabilities sum to 1.3125" in text
    assert "one.png: the confidence is 0.4000" in text
    assert "The summary says pneumonia count 7, and the results come to 1." in text
    assert "count of high risks, came with the request. It is not printed" in text


def test_a_model_of_this_server_is_named(client: TestClient, reported: Home) -> None:
    version = f"run_1_{StoredRun.of(reported, 1).artifact.uid[:8]}"
    body = {"prediction": PREDICTION, "model_version": version, "clinical_interpretation": {}}
    text = text_of(client.post("/api/reports/single", json=body))
    assert "A model of this name is run 1 (first <run>) of this server" in text
    assert "It is not printed" in text


def test_pictures_are_printed_where_they_were_asked_for(client: TestClient) -> None:
    pictured = {**RESULT, "heatmap_base64": PICTURE, "original_image_base64": PICTURE}
    body = {"results": [pictured, RESULTS[1]], "summary": SUMMARY}
    without = text_of(client.post("/api/reports/batch", json=body))
    with_them = text_of(client.post("/api/reports/batch-with-heatmaps", json=body))
    assert "Map of one.png" not in without
    assert "Map of one.png, as it was sent" in with_them
    wrong = {**body, "results": [{**pictured, "heatmap_base64": "no picture"}]}
    answer = client.post("/api/reports/batch-with-heatmaps", json=wrong)
    assert answer.status_code == 400
    assert "No report was made" in answer.json()["detail"]


def test_images_are_asked_about_again_beside_what_was_sent(client: TestClient) -> None:
    content = png(film_of(3))
    own = client.post("/api/inference/predict", files={"file": ("own.png", content)}).json()
    results = [
        {"filename": "own.png", "success": True, "prediction": own["prediction"]},
        RESULT,
    ]
    summary = {**SUMMARY, "successful": 2, "failed": 0, "avg_confidence": None}
    files = [
        ("files", ("own.png", content)),
        ("files", ("one.png", content)),
        ("files", ("broken.png", b"no picture")),
        ("files", ("late.png", content)),
    ]
    form = {
        "results_json": json.dumps(results),
        "summary_json": json.dumps(summary),
        "include_heatmaps": "false",
        "max_appendix_images": "3",
    }
    answer = client.post("/api/inference/report/batch-with-images", files=files, data=form)
    text = text_of(answer)
    assert name_of(answer) == "batch_analysis_report_with_appendix.pdf"
    own_words, _, rest = text.partition("one.png: ")
    assert "The numbers that were sent are the model's, to 1e-05" in own_words
    assert f"own.png {NOTHING} {NOTHING} " in own_words, "no class where none is answered"
    assert "no answer: the model abstained" in own_words
    assert "differ from the model's by up to" in rest
    assert "broken.png:" in rest
    assert "1 further images were not looked at" in text
    assert MOST_APPENDED == 20


def test_a_summary_in_a_form_is_printed_and_bad_json_refused(client: TestClient) -> None:
    form = {"results_json": json.dumps(RESULTS), "summary_json": json.dumps(SUMMARY)}
    answer = client.post("/api/inference/report/batch-summary", data=form)
    assert "one.png PNEUMONIA 0.8125 0.8125 0.1875" in text_of(answer)
    assert name_of(answer) == "batch_analysis_report.pdf"
    for bad in ({"results_json": "["}, {"summary_json": "[]"}, {"results_json": '[{"a": 1}]'}):
        refused = client.post("/api/inference/report/batch-summary", data={**form, **bad})
        assert refused.status_code == 400, bad
        assert "No report was made" in refused.json()["detail"]


def test_impossible_numbers_are_refused(client: TestClient) -> None:
    for wrong in ({"confidence": 1.5}, {"pneumonia_probability": "high"}):
        body = {"prediction": {**PREDICTION, **wrong}}
        assert client.post("/api/reports/single", json=body).status_code == 422
    assert client.post("/api/reports/batch", json={"results": []}).status_code == 422
    many = {**BATCH, "results": [RESULT] * 501}
    assert client.post("/api/reports/batch", json=many).status_code == 422


def test_marks_in_names_are_only_letters_in_a_report(client: TestClient) -> None:
    body = {"prediction": PREDICTION, "filename": "<b>&x</b>", "model_version": "<font/>"}
    text = text_of(client.post("/api/reports/single", json=body))
    assert "<b>&x</b>" in text
    assert "<font/>" in text


def form_of(results: object) -> dict[str, str]:
    return {"results_json": json.dumps(results), "summary_json": json.dumps(SUMMARY)}


def test_the_whole_answer_of_the_largest_batch_can_be_printed(client: TestClient) -> None:
    """In a form, whose text fields end at a mebibyte unless somebody says otherwise."""
    long = {**RESULTS[1], "notes": "x" * MIB}
    fields = {name: (None, text) for name, text in form_of([RESULT, long]).items()}
    answer = client.post("/api/inference/report/batch-summary", files=fields)
    assert "2 images" in text_of(answer)


@pytest.mark.parametrize("letter", ["W", "\n", "word "], ids=["letters", "lines", "words"])
def test_what_somebody_wrote_does_not_blow_up_a_page(client: TestClient, letter: str) -> None:
    failed = {"filename": "two.png", "success": False, "error": (2000 * letter)[:2000]}
    answer = client.post("/api/reports/batch", json={"results": [failed], "summary": SUMMARY})
    text_of(answer)
    assert len(PdfReader(io.BytesIO(answer.content)).pages) <= 2


def test_what_is_higher_than_a_page_is_refused_and_no_failure() -> None:
    paper = Paper(font_for(["a"]))
    with pytest.raises(TooHighError) as caught:
        paper.document("a", "b", [Drawing(10, 5000)])
    assert caught.value.status == 400


def test_a_row_higher_than_a_page_is_divided() -> None:
    paper = Paper(font_for(["W"]))
    table = Table(["a", "b"], [["x", "W" * 6000]])
    content = paper.document("a", "b", [paper.table(table)])
    assert len(PdfReader(io.BytesIO(content)).pages) > 1


def test_pictures_are_printed_as_large_as_they_are_shown(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    large = base64.b64encode(png(np.zeros((3000, 2000), np.uint8))).decode()
    sizes: list[tuple[int, int]] = []
    write = pdf.write

    def seen(report: Report) -> bytes:
        for section in report.sections:
            sizes.extend(Image.open(io.BytesIO(one.png)).size for one in section.pictures)
        return write(report)

    monkeypatch.setattr(pdf, "write", seen)
    monkeypatch.setattr(given, "MOST_PIXELS", 10_000_000)
    shown = {**RESULT, "heatmap_base64": large, "original_image_base64": large}
    body = {"results": [shown] * 3, "summary": SUMMARY, "include_heatmaps": True}
    text = text_of(client.post("/api/reports/batch", json=body))
    assert sizes == [(683, 1024)] * 2
    assert "Pictures of 1 of 3 images" in text
    assert "10 million pixels at most" in text
