"""The numbers that only the server answers, counted again from the raw database and files."""

import json
import math
import sqlite3
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from io import BytesIO
from statistics import fmean
from typing import Any

import pytest
from PIL import Image

from factories.api import Api, picture

pytestmark = pytest.mark.req("D-29.1")

AGES = (
    "SELECT age_years FROM drawings WHERE owner_id = 1 "
    "AND (expert_label IS NULL OR expert_label = 'normal') AND NOT is_blank "
    "AND NOT withdrawn AND duplicate_of IS NULL"
)
SUFFICIENCY = "/models/data-sufficiency"


def rows(api: Api, query: str, *values: object) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(api.home.settings.home / "deepmed.db")) as database:
        return database.execute(query, values).fetchall()


def one(api: Api, query: str, *values: object) -> Any:
    return rows(api, query, *values)[0][0]


def scores(api: Api, model: int) -> list[float]:
    """Of the model's comparison drawings, as its package has them."""
    uid = one(
        api,
        "SELECT uid FROM artifacts JOIN age_group_models m ON m.artifact_id = artifacts.id "
        "WHERE m.id = ?",
        model,
    )
    header = next(
        json.loads(content)
        for content in api.bench.registry.load(uid).values()
        if content.startswith(b"{") and b'"model"' in content
    )
    return [row["score"] for row in header["model"]]


def test_a_page_of_drawings_and_the_size_of_each(api: Api) -> None:
    api.upload(picture())
    found = api.get("/drawings/", params={"page": 2, "page_size": 7})
    assert (found["page"], found["page_size"], len(found["drawings"])) == (2, 7, 7)
    newest = api.get("/drawings/")["drawings"][0]
    file = api.ask("GET", f"/drawings/{newest['id']}/file").content
    assert (newest["width"], newest["height"]) == Image.open(BytesIO(file)).size


def test_what_the_owners_drawings_take_of_the_store(api: Api) -> None:
    for seed in range(3):
        drawing = api.upload(picture(seed)).json()["id"]
    api.stranger().upload(picture(9))
    api.json("POST", f"/analysis/analyze/{drawing}")
    found = api.get("/drawings/stats")["storage"]
    assert found["upload_dir"] == "uploads/drawings"
    store = api.home.settings.home / "files"
    mine = {path for (path,) in rows(api, "SELECT file_path FROM drawings WHERE owner_id = 1")}
    kept = [store / path for path in mine if path.startswith("uploads/")]
    maps = list((store / "explanations").glob("*"))
    for name, files in (("uploads", kept), ("static", maps)):
        folder, size = found["directories"][name], sum(path.stat().st_size for path in files)
        assert (folder["file_count"], folder["total_size_bytes"]) == (len(files), size)
        assert folder["total_size_mb"] == round(size / 1024**2, 2)
    assert found["directories"]["uploads"]["file_count"] == 3


def test_drawings_by_age_and_by_label(settled: Api) -> None:
    found = settled.get("/drawings/stats")
    ages = [age for (age,) in rows(settled, "SELECT age_years FROM drawings")]
    assert found["age_range"]["min"] == min(ages)
    assert found["age_range"]["max"] == max(ages)
    assert found["age_range"]["average"] == pytest.approx(fmean(ages))
    labels = Counter(label for (label,) in rows(settled, "SELECT expert_label FROM drawings"))
    assert found["expert_labels"] == {n: labels[n] for n in ("normal", "concern", "severe")}


def test_subjects_are_counted(api: Api) -> None:
    api.upload(picture(1), subject="a dragon")
    api.upload(picture(2))
    api.json("POST", "/analysis/batch", json={"drawing_ids": list(range(1, 60))})
    api.work_off()
    counted = Counter(s for (s,) in rows(api, "SELECT subject FROM drawings"))
    without = counted.pop(None)
    total = counted.total() + without
    found = api.get("/config/subjects")["statistics"]
    assert found["total_drawings"] == total
    assert found["drawings_with_subject"] == counted.total()
    assert found["drawings_without_subject"] == without
    assert found["subject_coverage_percentage"] == pytest.approx(100 * counted.total() / total)
    usage = {
        c["category"]: c["usage_count"] for c in api.get("/config/subjects")["supported_categories"]
    }
    assert (usage["person"], usage["house"]) == (counted["person"], counted["house"])
    assert sum(usage.values()) == total - counted["a dragon"]

    every = api.get("/config/subjects/statistics")
    assert every["overview"]["total_subjects_with_data"] == len(counted) + 1
    shares = {each["subject"]: each for each in every["subject_distribution"]}
    assert shares["person"]["drawing_count"] == counted["person"]
    assert shares["person"]["percentage"] == pytest.approx(100 * counted["person"] / total)
    answers = rows(
        api,
        "SELECT is_anomaly FROM anomaly_analyses a JOIN drawings d ON d.id = a.drawing_id "
        "WHERE current_of IS NOT NULL AND decision IN ('ranked', 'manual') AND subject = 'person'",
    )
    flagged = sum(flag for (flag,) in answers)
    person = next(e for e in every["cross_subject_analysis"] if e["subject"] == "person")
    alone = api.get("/config/subjects/statistics?subject=person")["analysis_statistics"]
    for counts in (person, alone):
        assert (counts["total_analyses"], counts["anomaly_count"]) == (len(answers), flagged)
        assert counts["normal_count"] == len(answers) - flagged
        assert counts["anomaly_rate"] == pytest.approx(100 * flagged / len(answers))


def test_answers_are_counted(settled: Api) -> None:
    found = settled.get("/analysis/stats")
    normal = one(
        settled,
        "SELECT count(*) FROM anomaly_analyses WHERE current_of IS NOT NULL "
        "AND decision IN ('ranked', 'manual') AND NOT is_anomaly",
    )
    assert found["normal_count"] == normal
    groups = one(
        settled, "SELECT count(*) FROM age_group_models WHERE is_active AND kind = 'group'"
    )
    assert found["model_status"]["active_age_groups"] == groups


def test_sufficiency_is_counted(settled: Api) -> None:
    found = settled.get(f"{SUFFICIENCY}/analyze", params={"age_groups": "2-3,3-4,4-6"})
    ages = sorted(age for (age,) in rows(settled, AGES))
    within: list[list[float]] = [
        [age for age in ages if low <= age < high or (age == high == 6)]
        for low, high in ((2, 3), (3, 4), (4, 6))
    ]
    assert found["age_groups_analyzed"] == 3
    assert [group["age_distribution"] for group in found["analysis_results"]] == within
    for warning in found["warnings"]:
        group = next(g for g in found["analysis_results"] if g["age_group"] == warning["age_group"])
        assert (warning["age_group_min"], warning["age_group_max"]) == (
            group["age_min"],
            group["age_max"],
        )
        assert warning["current_samples"] == group["sample_count"]
        assert warning["recommended_samples"] == 50
    words = Counter(warning["severity"] for warning in found["warnings"])
    summary = found["summary"]
    assert summary["total_warnings"] == words.total() > 1
    assert (summary["critical_warnings"], summary["high_warnings"]) == (
        words["critical"],
        words["high"],
    )
    merges = found["merging_suggestions"]
    assert summary["merging_opportunities"] == len(merges) > 0
    for merge in merges:
        (low, middle), (same, high) = merge["original_groups"]
        assert middle == same
        assert merge["merged_group"] == [low, high]
        assert merge["combined_sample_count"] == sum(
            low <= age < high or age == high == 6 for age in ages
        )

    one_group = settled.get(f"{SUFFICIENCY}/age-group/3/6")
    assert one_group["age_group"] == {"min": 3, "max": 6}
    assert one_group["recommendations"]["minimum"] == 10
    assert one_group["recommendations"]["recommended"] == 50
    told = settled.get(f"{SUFFICIENCY}/warnings")
    severities = Counter(warning["severity"] for warning in told["warnings"])
    assert told["total_warnings"] == severities.total()
    assert told["severity_counts"] == {
        word: severities[word] for word in ("critical", "high", "medium", "low")
    }


def test_thresholds_before_and_after(api: Api) -> None:
    before = {m["id"]: m["threshold"] for m in api.get("/models/age-groups")["models"]}
    data = api.json("PUT", "/config/", json={"threshold_percentile": 80})["data"]
    after = {m["id"]: m["threshold"] for m in api.get("/models/age-groups")["models"]}
    updates = data["threshold_updates"]
    assert data["threshold_percentile"] == 80
    assert (updates["total_models"], updates["successful_updates"]) == (len(after), len(after))
    assert updates["failed_updates"] == len(updates["errors"]) == 0
    for model, result in updates["model_results"].items():
        assert result["old_threshold"] == before[int(model)]
        assert result["new_threshold"] == after[int(model)]
        compared = sorted(scores(api, int(model)))
        mean = math.fsum(compared) / len(compared)
        spread = math.sqrt(math.fsum((s - mean) ** 2 for s in compared) / len(compared))
        half = len(compared) // 2
        middle = (compared[half] + compared[-half - 1]) / 2
        statistics = result["statistics"]
        assert statistics["mean"] == pytest.approx(mean)
        assert statistics["std"] == pytest.approx(spread)
        assert (statistics["min"], statistics["max"]) == (compared[0], compared[-1])
        assert statistics["median"] == pytest.approx(middle)
        assert statistics["sample_count"] == len(compared)
    by_hand = api.json("PUT", "/models/1/threshold", json={"threshold": 5.5})
    assert (by_hand["old_threshold"], by_hand["new_threshold"]) == (after[1], 5.5)
    back = api.json("PUT", "/models/1/threshold", json={"percentile": 80})
    assert (back["old_threshold"], back["new_threshold"]) == (5.5, after[1])
    assert (by_hand["percentile_used"], back["percentile_used"]) == (None, 80)


def test_the_configuration_is_counted(settled: Api) -> None:
    found = settled.get("/config/stats")
    years = Counter(int(age) for (age,) in rows(settled, AGES))
    assert [
        (g["age_start"], g["age_end"], g["sample_count"])
        for g in found["age_distribution"]["age_groups"]
    ] == [(year, year + 1, years[year]) for year in sorted(years)]
    limits = [m["threshold"] for m in settled.get("/models/age-groups")["models"]]
    thresholds = found["threshold_statistics"]
    mean = math.fsum(limits) / 3
    assert thresholds["threshold_range"] == [min(limits), max(limits)]
    assert thresholds["mean_threshold"] == pytest.approx(mean)
    spread = math.sqrt(math.fsum((t - mean) ** 2 for t in limits) / 3)
    assert thresholds["std_threshold"] == pytest.approx(spread)
    samples = [
        n
        for (n,) in rows(
            settled,
            "SELECT sample_count FROM age_group_models WHERE is_active AND kind = 'group'",
        )
    ]
    validation = found["validation_results"]
    assert validation["valid_models"] == sum(n >= 10 for n in samples)
    assert validation["insufficient_data_models"] == sum(n < 10 for n in samples)
    health = found["system_health"]
    assert health["coverage_gaps"] == len(found["age_group_coverage"]["coverage_gaps"])
    assert health["validation_warnings"] == len(validation["warnings"])
    assert health["validation_errors"] == len(validation["errors"])


def test_what_the_grouping_is_set_to(api: Api) -> None:
    wanted = {"min_samples_per_group": 33, "max_age_group_span": 2.5}
    data = api.json("PUT", "/config/age-grouping", json=wanted)["data"]
    stored = rows(api, "SELECT min_samples, max_span FROM age_grouping_settings")
    assert stored == [(33, 2.5)]
    assert data == wanted
    assert {name: api.get("/config/")[name] for name in wanted} == wanted


def test_columns_of_vectors(settled: Api) -> None:
    length = one(settled, "SELECT length(embedding_vector) / 4 FROM drawing_embeddings LIMIT 1")
    embedded = settled.json("POST", "/analysis/embeddings/1")
    assert embedded["vector_dimension"] == length + 1, "one more for the age"
    aware = settled.get("/config/models/subject-aware")
    assert {m["vector_dimension"] for m in aware["model_details"]} == {length + 1}
    for found in (
        aware["architecture_info"],
        settled.get("/config/subjects")["subject_aware_analysis"],
    ):
        assert found["visual_component_dimensions"] == length
        assert found["subject_component_dimensions"] == 64
        assert found["hybrid_embedding_dimensions"] == length + 64
    assert aware["architecture_info"]["supported_subject_categories"] == 64
    assert settled.get("/config/subjects")["total_categories"] == 52
    layouts = Counter(
        json.loads(text)["layout"]
        for (text,) in rows(
            settled, "SELECT parameters FROM age_group_models WHERE is_active AND kind = 'group'"
        )
    )
    status = aware["subject_aware_system_status"]
    assert status["total_active_models"] == layouts.total()
    assert status["subject_aware_models"] == layouts["visual+subject"]
    assert status["legacy_models"] == layouts.total() - layouts["visual+subject"]
    assert status["coverage_percentage"] == 100 * layouts["visual+subject"] / layouts.total()


def test_a_batch_is_counted(api: Api) -> None:
    files = [("a_age5.png", picture(1)), ("b_age6.png", picture(2)), ("c_age7.png", b"")]
    upload = api.upload_batch(files, name_pattern="*_age{age}").json()
    assert upload["file_count"] == 3
    path = upload["progress_url"].removeprefix("/api/v1")
    assert api.get(path)["progress"] == 0
    api.work_off()
    assert api.get(path) == {"progress": 100, "status": "completed_2_successful_1_errors"}
    new = [each["id"] for each in api.get("/drawings/", params={"page_size": 2})["drawings"]]
    batch = api.json("POST", "/analysis/batch", json={"drawing_ids": [1, *new]})
    assert batch["total_drawings"] == 3
    api.work_off()
    progress = api.get(batch["progress_url"].removeprefix("/api/v1"))
    assert (progress["completed"], progress["failed"]) == (3, 0)
    p_values = sorted(
        (each["analysis"]["p_value"], str(each["drawing"]["id"]))
        for each in progress["results"]
        if each["analysis"]["role"] == "new"
    )
    expected, least = {}, 1.0
    for rank, (p, drawing) in reversed(list(enumerate(p_values, 1))):
        least = min(least, p * len(p_values) / rank)
        expected[drawing] = pytest.approx(least)
    assert {k: v for k, v in progress["q_values"].items() if v is not None} == expected


def test_a_batch_that_fails_says_how_many_were_not_answered(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    from deepmed.features.drawings.analysis.service import AnalysisService
    from deepmed.kit.errors import ModelError

    batch = api.json("POST", "/analysis/batch", json={"drawing_ids": [1, 2]})
    failing: Callable[..., Any] = lambda *_, **__: (_ for _ in ()).throw(ModelError("No model."))  # noqa: E731 - raises
    monkeypatch.setattr(AnalysisService, "scene", failing)
    api.work_off()
    progress = api.get(batch["progress_url"].removeprefix("/api/v1"))
    assert progress["status"] == "failed: No model."
    assert (progress["completed"], progress["failed"]) == (0, 2)
    assert progress["errors"][0]["error"] == "No model."


def test_models_and_trainings_are_counted(api: Api) -> None:
    wanted = {"age_min": 3, "age_max": 9, "min_samples": 10, "candidate": True}
    accepted = api.json("POST", "/models/train", json=wanted)
    assert accepted["sample_count"] == sum(3 <= age < 9 for (age,) in rows(api, AGES))
    found = api.get("/models/age-groups")
    active = one(api, "SELECT count(*) FROM age_group_models WHERE is_active AND kind = 'group'")
    assert (found["active_count"], found["training_count"]) == (active, 1)
    assert api.json("POST", "/models/auto-create")["existing_models"] == active
    status = api.get(accepted["progress_url"].removeprefix("/api/v1"))
    assert status["progress"] == 0
    job = "UPDATE jobs SET completed = 1, total = 3"
    with closing(sqlite3.connect(api.home.settings.home / "deepmed.db")) as database:
        database.execute(job)
        database.commit()
    assert api.get(accepted["progress_url"].removeprefix("/api/v1"))["progress"] == 33
    reset = api.json("POST", "/config/reset", params={"confirm": True})["data"]
    assert reset["deactivated_models"] == active


def test_alerts_are_counted(settled: Api) -> None:
    changed = settled.json("POST", "/alerts/thresholds", json={"memory_percent": 0})
    assert changed["updated_thresholds"] == {"memory_percent": 0}
    assert changed["current_thresholds"]["memory_percent"] == 0
    told, detailed = settled.get("/alerts"), settled.get("/health/detailed")
    for found in (told, detailed):
        assert found["alert_count"] == len(found["alerts"]) >= 1
    status = settled.get("/status")
    severities = Counter(alert["severity"] for alert in settled.get("/alerts")["alerts"])
    assert status["critical_alerts"] == severities["critical"]
    assert status["warning_alerts"] == severities["warning"]
    alert = next(a for a in told["alerts"] if "memory" in a["message"])
    assert alert["details"]["value"] == pytest.approx(
        settled.get("/metrics")["system"]["memory_percent"], abs=20
    )
    models = detailed["components"]["ml_models"]["details"]
    assert models["need_retraining"] == one(
        settled, "SELECT count(*) FROM age_group_models WHERE is_active AND needs_retraining"
    )
    for component in detailed["components"].values():
        assert component["response_time_ms"] >= 0
    history = settled.get("/metrics/history", params={"hours": 2})
    assert (history["period_hours"], history["data_points"]) == (2, len(history["metrics"]))


def test_a_map_has_a_value_for_each_cell_of_the_frame(settled: Api) -> None:
    number = settled.get("/analysis/drawing/1")["analyses"][0]["id"]
    found = settled.get(f"/analysis/{number}/saliency.json")
    stored = one(
        settled,
        "SELECT saliency_map_path FROM interpretability_results WHERE analysis_id = ?",
        number,
    )
    kept = json.loads((settled.home.settings.home / "files" / stored).read_text(encoding="utf-8"))
    assert found == kept
    assert len({len(row) for row in found["values"]}) == 1
    left, top, right, bottom = found["frame"]
    assert (left, top) <= (0, 0)
    assert right >= 64
    assert bottom >= 64
