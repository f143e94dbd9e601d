"""Runs beside each other, on the same patients or not at all."""

import numpy as np
import pytest
from sklearn.metrics import brier_score_loss, roc_auc_score

from deepmed.core.home import Home
from deepmed.features.xray.report import comparison, drawn
from deepmed.features.xray.report.comparison import compare_runs
from deepmed.features.xray.runs.database_operations import DBOperationsUtils
from deepmed.features.xray.runs.reading import StoredRun
from deepmed.kit.errors import NotFoundError, ValidationError
from factories.xray import small


def scores_of(home: Home, number: int) -> dict[str, tuple[int, float, str]]:
    records = StoredRun.of(home, number).predictions["test"]
    return {one["image"]: (one["label"], one["probability"], one["patient"]) for one in records}


@pytest.mark.req("X-19.1")
def test_a_difference_is_that_of_the_same_patients(reported: Home) -> None:
    found = compare_runs(reported, [1, 2])
    (pair,) = found["comparisons"]
    assert (pair["baseline"], pair["run_id"], pair["same_test"]) == (1, 2, True)
    first, second = scores_of(reported, 1), scores_of(reported, 2)
    assert (pair["n_items"], pair["n_patients"]) == (
        len(first),
        len({p for *_, p in first.values()}),
    )
    labels = [first[name][0] for name in first]
    scores = [[part[name][1] for name in first] for part in (first, second)]
    for figure, measure in (("auroc", roc_auc_score), ("brier", brier_score_loss)):
        one, other = (measure(labels, given) for given in scores)
        assert pair["differences"][figure]["estimate"] == pytest.approx(other - one, abs=1e-9)
    assert pair["auroc_test"]["difference"] == pytest.approx(
        roc_auc_score(labels, scores[1]) - roc_auc_score(labels, scores[0])
    )


@pytest.mark.req("X-19.1")
def test_a_comparison_tells_the_stored_figures(reported: Home) -> None:
    for told in compare_runs(reported, [1, 2])["runs"]:
        run = StoredRun.of(reported, told["run_id"])
        for part in ("validation", "test"):
            assert told[part] == run.evaluation[part]["report"]["figures"]
        point = run.model["operating_point"]
        assert (told["threshold"], told["temperature"]) == (
            point["threshold"],
            point["temperature"],
        )


@pytest.mark.req("X-19.1")
def test_intervals_of_a_difference_come_from_drawing_patients_for_both_runs(reported: Home) -> None:
    pair = compare_runs(reported, [1, 2])["comparisons"][0]
    assert pair["differences"]["auroc"]["unit"] == "patient"
    sentences = {line.partition(":")[0]: line for line in pair["statements"]}
    for name, label in (("auroc", "AUROC"), ("brier", "Brier score")):
        figure = pair["differences"][name]
        beyond = figure["low"] > 0 or figure["high"] < 0
        assert ("not beyond chance" not in sentences[label]) == beyond
    narrow, wide = (
        pair["differences"]["auroc"],
        compare_runs(reported, [1, 2])["runs"][1]["test"]["auroc"],
    )
    assert narrow["sample_size"] == wide["sample_size"] == 10
    assert np.isfinite([figure["low"] for figure in pair["differences"].values()]).all()


@pytest.mark.req("X-19.1")
def test_other_test_patients_give_no_difference_but_the_reason(reported: Home) -> None:
    pair = compare_runs(reported, [1, 3])["comparisons"][0]
    assert pair["same_test"] is False
    assert pair["differences"] is None
    assert pair["auroc_test"] is None
    shared = {p for *_, p in scores_of(reported, 1).values()} & {
        p for *_, p in scores_of(reported, 3).values()
    }
    assert pair["shared_patients"] == len(shared)
    assert "tested on different images" in pair["reason"]
    assert f"{len(shared)} patients in both" in pair["reason"]


def test_several_classes_are_compared_too(reported: Home) -> None:
    pair = compare_runs(reported, [4, 5])["comparisons"][0]
    first, second = (StoredRun.of(reported, number).predictions["test"] for number in (4, 5))
    right = [
        np.mean([one["decision"] == one["label"] for one in records]) for records in (first, second)
    ]
    assert pair["differences"]["accuracy"]["estimate"] == pytest.approx(right[1] - right[0])
    assert "two classes" in pair["auroc_test_reason"]


def test_other_classes_and_a_missing_test_part_are_told(reported: Home) -> None:
    classes, untested = compare_runs(reported, [1, 4, 6])["comparisons"]
    assert "different classes" in classes["reason"]
    assert "no test part" in untested["reason"]
    assert untested["differences"] is None


def test_an_unfinished_run_is_listed_without_figures(reported: Home) -> None:
    number = DBOperationsUtils(reported).create_training_run("x", "unfinished", small().resolved)
    found = compare_runs(reported, [1, number])
    assert found["runs"][1]["test"] is None
    assert "not completed" in found["comparisons"][0]["reason"]


def test_a_request_draws_so_often_and_no_more_and_says_so(
    reported: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drawn, "MOST_RESAMPLES", 20)
    monkeypatch.setattr(comparison, "_KEPT", drawn.Drawn())
    found = compare_runs(reported, [1, 2])
    assert found["comparisons"][0]["differences"]["auroc"]["method"].endswith("20 resamples")
    assert "20 draws" in found["notes"][-1]
    assert "50 of the run's configuration" in found["notes"][-1]


def test_what_two_artefacts_have_over_each_other_is_drawn_once(
    reported: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    once = compare_runs(reported, [1, 2])
    assert not any("draws" in note for note in once["notes"])
    monkeypatch.setattr(comparison, "_differences", lambda *_: pytest.fail("drawn again"))
    assert compare_runs(reported, [1, 2]) == once
    with pytest.raises(pytest.fail.Exception):
        compare_runs(reported, [2, 1])


def test_the_longest_unused_answer_gives_way() -> None:
    kept = drawn.Drawn(most=2)
    for key in "abac":
        kept.get(key, lambda: 1)
    assert [kept.get(key, lambda: 2) for key in "ac"] == [1, 1]
    assert kept.get("b", lambda: 2) == 2


@pytest.mark.parametrize("numbers", [[], [1], [1, 1], list(range(1, 10))])
def test_too_few_too_many_and_doubled_runs_are_refused(reported: Home, numbers: list[int]) -> None:
    with pytest.raises(ValidationError, match="2 to 8 different runs"):
        compare_runs(reported, numbers)


def test_another_owners_run_is_not_there(reported: Home) -> None:
    with pytest.raises(NotFoundError):
        compare_runs(reported.for_owner(999), [1, 2])
