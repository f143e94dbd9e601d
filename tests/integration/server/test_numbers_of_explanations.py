"""The numbers that explain an answer over HTTP, counted again from the raw database and files."""

import json
import sqlite3
from contextlib import closing
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from deepmed.features.drawings.explanation.service import ExplanationService
from deepmed.features.drawings.interpretability.loading import ExplanationLoader
from factories.api import Api
from factories.attention import attended, tiny_transformer

pytestmark = pytest.mark.req("D-29.1")

NOTE = {"region_id": "region-1", "annotation_text": "A line", "annotation_type": "note"}


def rows(api: Api, query: str, *values: object) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(api.home.settings.home / "deepmed.db")) as database:
        return database.execute(query, values).fetchall()


def one(api: Api, query: str, *values: object) -> Any:
    return rows(api, query, *values)[0][0]


def explained(api: Api, analysis: int) -> dict[str, Any]:
    """The stored explanation."""
    names = ("method", "importance_regions", "facts", "faithfulness", "saliency_map_path")
    query = f"SELECT {', '.join(names)} FROM interpretability_results WHERE analysis_id = ?"  # noqa: S608 - names of this table
    values = rows(api, query, analysis)[0]
    return {
        name: json.loads(value) if value.startswith(("[", "{")) else value
        for name, value in zip(names, values, strict=True)
    }


def test_places_and_the_map_they_are_on(settled: Api) -> None:
    found = settled.get("/interpretability/1/interactive")
    kept = explained(settled, 1)
    told = found["interaction_metadata"]
    assert told["total_regions"] == len(kept["importance_regions"]) > 0
    assert told["total_patches"] == len(found["attention_patches"]) == 0
    file = settled.ask("GET", "/drawings/1/file").content
    page = Image.open(BytesIO(file))
    assert told["image_dimensions"] == list(page.size)
    store = settled.home.settings.home / "files"
    values = json.loads((store / kept["saliency_map_path"]).read_text())["values"]
    assert told["patch_grid"] == [len(values), len(values[0])]
    assert told["patch_size"] == 224 // len(values)
    dark = np.asarray(page.convert("L")) < 255
    for region in found["saliency_regions"]:
        left, top, right, bottom = region["bounding_box"]
        inside = dark[top:bottom, left:right]
        assert region["ink_coverage"] == pytest.approx(inside.mean())
        assert region["ink_share"] == pytest.approx(inside.sum() / dark.sum())
        assert region["strokes"] >= int(inside.any())


def test_attention_is_that_of_the_encoder(settled: Api, tmp_path: Path) -> None:
    encoder = tiny_transformer(tmp_path / "tiny")
    loader = ExplanationLoader(ExplanationService(settled.bench))
    patches = attended(loader, 1, encoder)
    image = loader.load(1).image
    prepared = encoder.prepare([image])
    last = encoder.forward_with_attention(prepared).attentions[-1][0, :, 0, 1:].detach().numpy()
    assert len(patches) == 5
    strongest = np.sort(last.max(axis=0))[::-1][:5]
    assert [one.attention_weight for one in patches] == pytest.approx(strongest.tolist())
    x0, y0, x1, _ = prepared.frames[0].tolist()
    side = (x1 - x0) / 14
    for patch in patches:
        left, top, width, height = patch.coordinates
        place = int((top + height / 2 - y0) / side) * 14 + int((left + width / 2 - x0) / side)
        assert patch.attention_weight == pytest.approx(last[:, place].max())
        assert patch.head_index == last[:, place].argmax()
        assert patch.layer_index == 1, "the last of two"


def test_how_far_an_answer_can_be_relied_on(settled: Api) -> None:
    for analysis in (1, 2, 3):
        found = settled.get(f"/interpretability/{analysis}/confidence")
        settled_by, p_value, results, model = rows(
            settled,
            "SELECT confidence, p_value, results, age_group_model_id FROM anomaly_analyses "
            "WHERE id = ?",
            analysis,
        )[0]
        kept = explained(settled, analysis)
        curves = kept["faithfulness"]["curves"][kept["method"]]
        area = np.mean(curves["insertion"]) - np.mean(curves["deletion"])
        details = found["technical_details"]
        assert found["overall_confidence"] == details["base_model_confidence"] == settled_by
        assert details["score_extremity"] == pytest.approx(1 - p_value)
        assert found["explanation_reliability"] == pytest.approx(max(0.0, area), abs=0.05)
        own = kept["faithfulness"]["scores"][kept["method"]]
        assert found["explanation_reliability"] == max(0.0, own)
        samples = one(settled, "SELECT sample_count FROM age_group_models WHERE id = ?", model)
        assert details["age_group_sample_count"] == samples
        assert details["comparison_children"] == json.loads(results)["ranking"]["n_children"]


def test_the_parts_of_an_answer(settled: Api) -> None:
    found = settled.get("/interpretability/1/attribution")
    score, p_value, confidence, text = rows(
        settled,
        "SELECT anomaly_score, p_value, confidence, results FROM anomaly_analyses WHERE id = 1",
    )[0]
    results = json.loads(text)
    assert found["overall_anomaly_score"] == score
    assert found["confidence_metrics"]["overall_confidence"] == confidence
    parts = found["component_breakdown"]
    assert parts["visual_component"]["p_value"] == p_value
    assert parts["visual_component"]["children"] == results["ranking"]["n_children"]
    assert parts["subject_component"]["p_value"] == results["subject_part"]["p_value"]
    assert parts["subject_component"]["children"] == results["subject_part"]["children"]
    groups = found["age_comparison"]["groups"]
    expected = results["age_part"]["groups"]
    assert [(each["p_value"], each["children"]) for each in groups] == [
        (each["p_value"], each["children"]) for each in expected
    ]


def test_examples_are_counted(api: Api) -> None:
    api.json("PUT", "/config/threshold", params={"percentile": 60})
    api.json("POST", "/analysis/batch", json={"drawing_ids": list(range(1, 60))})
    api.work_off()
    query = (
        "SELECT count(*) FROM anomaly_analyses a JOIN drawings d ON d.id = a.current_of "
        "WHERE decision = 'ranked' AND age_years >= 3 AND age_years < 6 AND is_anomaly = ?"
    )
    unflagged, flagged = one(api, query, 0), one(api, query, 1)
    assert api.get("/interpretability/examples/3-6")["total_available"] == unflagged + flagged
    patterns = api.get("/interpretability/examples", params={"age_group": "3-6"})
    for pattern in patterns:
        analysis = pattern["metadata"]["analysis_id"]
        is_flagged = one(api, "SELECT is_anomaly FROM anomaly_analyses WHERE id = ?", analysis)
        same = flagged if is_flagged else unflagged
        assert pattern["metadata"]["drawing_count"] == same
        assert pattern["metadata"]["prevalence"] == pytest.approx(same / (unflagged + flagged))


def test_notes_and_files_are_counted(api: Api) -> None:
    analysis = api.json("POST", "/analysis/analyze/1")["analysis"]["id"]
    base = f"/interpretability/{analysis}"
    uid = api.json("POST", f"{base}/annotate", json=NOTE)["annotation_id"]
    api.json("PUT", f"{base}/annotations/{uid}", json={"annotation_text": "Two lines"})
    listed = api.get(f"{base}/annotations")
    assert listed["total_count"] == one(api, "SELECT count(*) FROM drawing_annotations") == 1
    versions = one(api, "SELECT count(*) FROM annotation_versions")
    assert listed["annotations"][0]["version"] == versions == 2
    history = api.get(f"{base}/annotations/{uid}")["history"]
    assert [each["version"] for each in history] == [1, 2]
    regions = explained(api, analysis)["importance_regions"]
    assert listed["annotations"][0]["bounding_box"] == regions[0]["bounding_box"]
    file = api.json("POST", f"{base}/export", json={"format": "csv"})
    path = Path(api.home.settings.home) / "files" / file["file_path"]
    assert file["file_size"] == path.stat().st_size
