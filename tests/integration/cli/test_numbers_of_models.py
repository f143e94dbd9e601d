"""Each number of a model, counted again from its package and the raw database."""

from collections import Counter
from pathlib import Path
from statistics import median
from typing import Any

import pytest

from factories.answers import GONE, Answers
from factories.recount import Ranking, auroc, share_by_child

PARTS = ("fit", "borrowed", "calibration")


@pytest.fixture(scope="module")
def models(answers: Answers) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = answers["models"]["models"]
    assert {row["kind"] for row in found} == {"group", "pooled"}
    return found


@pytest.fixture(scope="module")
def measured(answers: Answers) -> dict[str, Any]:
    """The model whose planted drawings are many enough for figures."""
    [found] = [row for row in answers["train"]["details"] if row["kind"] == "group"]
    assert found["metrics"]["planted"]["estimate"] is not None
    return dict(found)


def members(answers: Answers, model: int) -> list[tuple[Any, ...]]:
    query = """SELECT m.part, m.drawing_id, m.child_id, d.age_years, m.twin_part
               FROM age_group_model_members m JOIN drawings d ON d.id = m.drawing_id
               WHERE m.model_id = ?"""
    return answers.rows("analysed", query, model)


def test_sizes_are_those_of_the_members(answers: Answers, models: list[dict[str, Any]]) -> None:
    for model in models:
        own = members(answers, model["id"])
        parts = {part: [row for row in own if row[0] == part] for part in PARTS}
        metrics = model["metrics"]
        assert metrics["drawings"] == {part: len(rows) for part, rows in parts.items()}
        assert metrics["children"] == {
            part: len({row[2] for row in rows}) for part, rows in parts.items()
        }
        assert model["sample_count"] == len(parts["fit"]) + len(parts["calibration"])
        assert metrics["twin_children"] == len({row[2] for row in own if row[4] == "calibration"})


def test_the_bounds_hold_the_drawings(answers: Answers, models: list[dict[str, Any]]) -> None:
    for model in models:
        ages = [row[3] for row in members(answers, model["id"]) if row[0] != "borrowed"]
        assert model["age_min"] <= min(ages)
        assert max(ages) < model["age_max"] or model["upper_closed"]
        assert model["age_group"] == f"{model['age_min']:.1f}-{model['age_max']:.1f}"


def test_what_the_percentile_comes_to(answers: Answers, models: list[dict[str, Any]]) -> None:
    for model in models:
        metrics = model["metrics"]
        again = Ranking(answers.package(model["id"], "reference.json")["model"])
        assert metrics["threshold"] == again.threshold(metrics["percentile"])
        assert metrics["attained_level"] == pytest.approx(again.attained(metrics["percentile"]))
        assert metrics["highest_percentile"] == again.highest_percentile()


def test_the_age_specificity_is_an_auroc_of_held_out_children(
    answers: Answers, measured: dict[str, Any]
) -> None:
    """Both at the model's neutral age; the group's own held-out children are those who compare."""
    own = answers.package(measured["id"], "reference.json")["model"]
    items = answers.package(measured["id"], "items.json")["neighbours"]
    neighbours = [row for row in items if row["role"] != "fit"]
    found = measured["metrics"]["age_specificity"]
    scores = [[row["neutral"] for row in own], [row["score"] for row in neighbours]]
    fitted = sorted(row[3] for row in members(answers, measured["id"]) if row[0] == "fit")
    assert found["neutral_age"] == median(fitted)
    assert found["estimate"] == pytest.approx(auroc(*scores))
    assert (found["n_negative"], found["n_positive"]) == (len(own), len(neighbours))
    assert found["n_items"] == len(own) + len(neighbours)
    assert found["sample_size"] == len({row["child"] for row in own + neighbours})
    assert found["n_children"] == found["sample_size"]


def test_the_share_of_planted_drawings_flagged(answers: Answers, measured: dict[str, Any]) -> None:
    header = answers.package(measured["id"], "reference.json")
    planted = answers.package(measured["id"], "items.json")["planted"]
    flags = [
        (row["child"], Ranking(header["model"], row["child"]).p(row["score"]) <= 0.05)
        for row in planted
    ]
    found = measured["metrics"]["planted"]
    assert 0 < found["estimate"] < 1
    assert found["estimate"] == pytest.approx(share_by_child(flags))
    assert found["n_items"] == len(planted)
    assert found["percentile"] == measured["metrics"]["percentile"] == 95.0
    levels = [
        Ranking(header["model"], child).attained(95.0)
        for child in {row["child"] for row in planted}
    ]
    assert found["attained_level"] == pytest.approx(sum(map(float, levels)) / len(levels))


def test_the_power_is_an_auroc_a_kind(answers: Answers, measured: dict[str, Any]) -> None:
    items = answers.package(measured["id"], "items.json")
    typical = [row["score"] for row in items["own"] if row["role"] == "calibration"]
    kinds = Counter(row["kind"] for row in items["planted"])
    assert set(measured["metrics"]["power"]) == {*kinds, "all"}
    for kind, figure in measured["metrics"]["power"].items():
        found = [row["score"] for row in items["planted"] if kind in {"all", row["kind"]}]
        assert figure["estimate"] == pytest.approx(auroc(typical, found))


def test_contamination_replaces_the_share_that_it_says(
    answers: Answers, measured: dict[str, Any]
) -> None:
    metrics = measured["metrics"]
    drawings = metrics["drawings"]["fit"] + metrics["drawings"]["calibration"]
    for row, rate in zip(metrics["contamination"], (0.01, 0.05, 0.1), strict=True):
        assert row["rate"] == rate
        assert row["replaced_drawings"] == max(1, round(rate * drawings))
        assert row["attained_rate"] == pytest.approx(row["replaced_drawings"] / drawings)
        for name in ("flagged", "flagged_without_contamination"):
            assert row[name]["n_children"] <= metrics["children"]["calibration"]
            assert row[name]["percentile"] == metrics["percentile"]
        items = answers.package(measured["id"], "items.json")
        spoiled = items[f"contamination {rate:g} calibration"]
        tested = {one["child"] for one in items[f"contamination {rate:g} planted"]}
        levels = [Ranking(spoiled, child).attained(95.0) for child in tested]
        expected = sum(map(float, levels)) / len(levels)
        assert row["flagged"]["attained_level"] == pytest.approx(expected)


def test_who_was_left_out_is_counted(answers: Answers, models: list[dict[str, Any]]) -> None:
    query = """SELECT CASE WHEN expert_label IN ('concern', 'severe') THEN expert_label
                      WHEN is_blank THEN 'blank' WHEN duplicate_of THEN 'duplicate'
                      WHEN withdrawn THEN 'withdrawn' END AS reason, count(*)
               FROM drawings WHERE age_years >= ? AND age_years < ? AND reason IS NOT NULL
               GROUP BY reason"""
    [model] = [row for row in models if row["age_group"] == "6.0-9.0"]
    expected = dict(answers.rows("analysed", query, 6.0, 9.0))
    left_out = model["metrics"]["left_out"]
    assert {row["reason"]: row["count"] for row in left_out} == expected
    assert all(row["count"] == len(row["drawing_ids"]) for row in left_out)


def test_what_the_detectors_were_compared_on(answers: Answers, measured: dict[str, Any]) -> None:
    found = measured["metrics"]["selection"]
    fitted = [row for row in members(answers, measured["id"]) if row[0] == "fit"]
    assert (found["drawings"], found["children"]) == (len(fitted), len({row[2] for row in fitted}))
    assert found["folds"] == 5
    for row in found["rows"]:
        kinds = row["by_kind"].values()
        assert row["overall"]["planted"] == found["planted"]
        assert sum(kind["planted"] for kind in kinds) == found["planted"]
        pooled = sum(kind["auroc"] * kind["planted"] for kind in kinds) / found["planted"]
        assert row["overall"]["auroc"] == pytest.approx(pooled)
        assert row["overall"]["auroc"] == row["overall"]["interval"]["estimate"]


def test_layouts_have_the_columns_that_they_name(
    answers: Answers, measured: dict[str, Any]
) -> None:
    [(columns,)] = answers.rows(
        "analysed", "SELECT DISTINCT length(embedding_vector) / 4 FROM drawing_embeddings"
    )
    assert measured["parameters"]["dimension"] == columns
    found = {row["layout"]: row["dimension"] for row in measured["metrics"]["layouts"]}
    assert found == {
        "visual": columns,
        "visual+age": columns + 1,
        "visual+subject": columns + 64,
    }


def test_stages_take_no_longer_than_the_call(answers: Answers) -> None:
    stages = [row["metrics"]["seconds"] for row in answers["train"]["details"]]
    assert all(second >= 0 for row in stages for second in row.values())
    assert 0 < sum(sum(row.values()) for row in stages) <= answers.seconds["train"] + 0.01


def test_a_deletion_makes_a_new_revision(answers: Answers) -> None:
    before = {row["id"]: row["artifact_revision"] for row in answers["models"]["models"]}
    after = {row["id"]: row["artifact_revision"] for row in answers["after"]["models"]}
    revised = answers["delete"]["revised_models"]
    assert revised
    assert after == {model: 1 + (model in revised) for model in before}
    for row in answers["signatures"]["artifacts"]:
        assert row["revision"] == 1


def test_a_deletion_leaves_the_figures_of_those_who_remain(answers: Answers) -> None:
    [(child,)] = answers.rows("before", "SELECT id FROM drawing_children WHERE code = ?", GONE)
    [model] = [row for row in answers["after"]["models"] if row["age_group"] == "6.0-9.0"]
    header = answers.package(model["id"], "reference.json")
    again = Ranking(header["model"], own=child)
    assert model["metrics"]["threshold"] == again.threshold(95.0)
    assert model["metrics"]["children"]["calibration"] == again.n


def test_verify_shows_what_is_stored_and_what_comes_out_again(
    answers: Answers, measured: dict[str, Any]
) -> None:
    checks = {row["figure"]: row for row in answers["verify_candidate"]["checks"]}
    metrics = measured["metrics"]
    assert checks["threshold"]["stored"] == metrics["threshold"]
    assert checks["power.all.low"]["stored"] == metrics["power"]["all"]["low"]
    assert checks["planted.estimate"]["stored"] == metrics["planted"]["estimate"]
    assert len(checks) > 500
    for row in checks.values():
        if isinstance(row["stored"], int | float):
            assert row["recomputed"] == pytest.approx(row["stored"], rel=1e-9)
        else:
            assert row["recomputed"] == row["stored"]


def test_reproduce_compares_every_comparison_score(answers: Answers) -> None:
    [model] = [row for row in answers["models"]["models"] if row["age_group"] == "6.0-9.0"]
    header = answers.package(model["id"], "reference.json")
    assert answers["reproduce"]["compared_scores"] == len(header["model"]) + len(header["twin"])
    assert answers["reproduce"]["largest_difference"] == 0.0


def test_the_package_says_how_large_its_files_are(answers: Answers) -> None:
    manifest = answers["artifact"]["manifest"]
    [model] = [
        row for row in answers["models"]["models"] if row["artifact"] == answers["artifact"]["uid"]
    ]
    folder: Path = answers.folder / f"model_{model['id']}"
    assert {name: entry["size"] for name, entry in manifest["files"].items()} == {
        name: (folder / name).stat().st_size for name in manifest["files"]
    }


def test_the_package_says_what_it_was_made_from(answers: Answers) -> None:
    manifest = answers["artifact"]["manifest"]
    recipe, card = manifest["lineage"]["recipe"], manifest["card"]
    [model] = [
        row for row in answers["models"]["models"] if row["artifact"] == answers["artifact"]["uid"]
    ]
    own = members(answers, model["id"])
    for part in PARTS:
        assert sorted(recipe["model"][part]) == sorted(row[1] for row in own if row[0] == part)
        assert sorted(recipe["twin"][part]) == sorted(row[1] for row in own if row[4] == part)
    assert recipe["bounds"] == [model["age_min"], model["age_max"], model["upper_closed"]]
    ages = [row[3] for row in own if row[0] != "borrowed"]
    assert card["ages_of_drawings"] == {"least": min(ages), "greatest": max(ages)}
    assert card["measured_at"] == {
        name: manifest["metrics"][name] for name in ("percentile", "attained_level")
    }
    assert recipe["version"] == 2
    assert recipe["config"] == manifest["provenance"]["configuration"]
    assert recipe["config"]["seed"] == manifest["provenance"]["seed"] == 0
    assert model["parameters"]["seed"] == 0


def test_models_are_counted_by_their_state(answers: Answers) -> None:
    query = "SELECT count(*), sum(is_active) FROM age_group_models WHERE kind = 'group'"
    [(total, active)] = answers.rows("analysed", query)
    status = answers["status"]
    assert (status["total_models"], status["active_models"]) == (total, active)
    # A model is whole or not there, so none is ever half trained or failed.
    assert (status["training_models"], status["failed_models"]) == (0, 0)
    assert (
        status["total_drawings"] == status["total_analyses"] == len(answers["analyze"]["analyses"])
    )
