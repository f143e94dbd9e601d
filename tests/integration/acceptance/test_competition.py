"""Two processes on one data folder: neither corrupts it, and each ends well or in clear words."""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from integration.acceptance.conftest import TRAINING
from integration.acceptance.pictures import fill
from integration.acceptance.soundness import assert_complete, content
from integration.acceptance.terminal import Answer, Home, drawings_named

ANALYSIS = ("drawings", "analyze", "--all")
Reference = Callable[[str], Home]


def assert_clear(*answers: Answer) -> None:
    for answer in answers:
        assert answer.code in {0, 1}, answer.err
        assert "unforeseen" not in answer.err, answer.err
        assert "Traceback" not in answer.err, answer.err


def both(home: Home, first: tuple[object, ...], second: tuple[object, ...]) -> list[Answer]:
    running = [home.start(*command, "--json") for command in (first, second)]
    answers = [command.wait() for command in running]
    assert_clear(*answers)
    return answers


@pytest.mark.req("P-4.1")
def test_two_imports_into_a_new_data_folder(
    empty: Home, pictures: Path, reference: Reference
) -> None:
    command = ("drawings", "import", pictures / "typical")
    reports = [answer.json["counts"] for answer in both(empty, command, command)]
    assert sum(report["stored"] for report in reports) == 30
    assert_complete(empty)
    assert content(empty) == content(reference("filled"))


def test_two_trainings_make_one_model(filled: Home, reference: Reference) -> None:
    first, second = both(filled, TRAINING, TRAINING)
    assert (first.code, second.code) == (0, 0)
    trained = [model["trained_now"] for one in (first, second) for model in one.json["models"]]
    assert sorted(trained) == [False, False, True, True]
    assert_complete(filled)
    assert content(filled)["models"] == content(reference("trained"))["models"]


def test_two_analyses_store_each_answer_once(trained: Home, reference: Reference) -> None:
    first, second = both(trained, ANALYSIS, ANALYSIS)
    assert first.json["computed"] + second.json["computed"] == 36
    assert_complete(trained)
    assert content(trained) == content(reference("analysed"))


def test_an_import_beside_an_analysis(analysed: Home, tmp_path: Path) -> None:
    more = fill(tmp_path / "more", range(50, 80))
    both(analysed, ANALYSIS, ("drawings", "import", more))
    assert analysed.do(*ANALYSIS)["computed"] <= 30
    assert_complete(analysed)
    # What came between the embedding and the analysis was told to have no vector, and then asked
    # about again.
    current = "SELECT count(*) FROM anomaly_analyses WHERE current_of IS NOT NULL"
    older = "SELECT DISTINCT decision FROM anomaly_analyses WHERE current_of IS NULL"
    assert analysed.query(current) == [(66,)]
    assert analysed.query(older) in ([], [("not_embedded",)])
    assert analysed.count("anomaly_analyses") <= 66 + 30, "one older answer each at most"


@pytest.mark.req("D-9.8")
def test_a_new_rule_in_the_middle_of_an_analysis_changes_no_answer_of_it(analysed: Home) -> None:
    rule = ("drawings", "threshold", "--percentile", "80", "--save")
    analysis = analysed.pause("write", 2, *ANALYSIS, "--json")  # the rule is read, no answer kept
    saved = analysed.do(*rule)
    under_the_old = analysis.go_on().json
    assert under_the_old["computed"] == 0
    under_the_new = analysed.do(*ANALYSIS)
    assert under_the_new["computed"] == 36
    versions = {row["results"]["rule_version"] for row in under_the_new["analyses"]}
    assert versions == {saved["version"]}
    assert_complete(analysed)


@pytest.mark.parametrize("write", [1, 2, 3])
def test_a_drawing_that_is_deleted_in_the_middle_of_an_analysis(trained: Home, write: int) -> None:
    """Before its embedding is stored, before the batch begins, and before the answers."""
    analysis = trained.pause("write", write, *ANALYSIS, "--json")
    trained.do("drawings", "delete", "33", "--yes")
    answer = analysis.go_on()
    assert answer.code == 0, answer.err
    assert {row["drawing_id"] for row in answer.json["analyses"]} - {33} == set(range(1, 37)) - {33}
    assert trained.query("SELECT count(*) FROM anomaly_analyses WHERE drawing_id = 33") == [(0,)]
    assert_complete(trained)


def test_a_drawing_that_is_deleted_in_the_middle_of_its_training(filled: Home) -> None:
    """No model and no artefact may keep what a deleted drawing taught."""
    training = filled.pause("write", 3, *TRAINING)  # the artefact is there, the model is not
    filled.do("drawings", "delete", "3", "--yes")
    answer = training.go_on()
    assert answer.code == 1
    assert "deleted or changed while it ran" in answer.err
    assert "Run the command again" in answer.err
    again = filled.do(*TRAINING)
    assert [model["trained_now"] for model in again["models"]] == [True, True]
    assert_complete(filled)


def test_an_artefact_that_a_killed_training_left_goes_with_its_drawings_or_with_the_sweep(
    filled: Home, tmp_path: Path
) -> None:
    filled.do("drawings", "embed")
    filled.die("write", 2, *TRAINING)
    assert (filled.count("artifacts"), filled.count("age_group_models")) == (1, 0)
    other = filled.copy(tmp_path / "other")
    filled.do("drawings", "delete", "3", "--yes")
    assert filled.count("artifacts") == 0
    assert_complete(filled)
    assert other.do("drawings", "sweep") == {"deleted": []}, "its training may be running"
    other.change("UPDATE artifacts SET created_at = '2020-01-01 00:00:00.000000'")
    assert len(other.do("drawings", "sweep")["deleted"]) == 1
    assert other.count("artifacts") == 0
    assert_complete(other)


@pytest.mark.parametrize(
    ("command", "step"),
    [
        (("drawings", "explain", "33"), ("write", 2)),
        (("drawings", "explain", "33"), ("write", 3)),
        (("drawings", "report", "--out", "report.html"), ("put explanations", 1)),
    ],
)
def test_a_drawing_that_is_deleted_while_it_is_explained(
    analysed: Home, command: tuple[str, ...], step: tuple[str, int], tmp_path: Path
) -> None:
    command = tuple(str(tmp_path / word) if word.endswith(".html") else word for word in command)
    victim = analysed.do(*ANALYSIS)["analyses"]
    flagged = [row["drawing_id"] for row in victim if row["is_anomaly"]] or [33]
    drawing = flagged[0] if "report" in command else 33
    running = analysed.pause(*step, *command)
    analysed.do("drawings", "delete", drawing, "--yes")
    answer = running.go_on()
    assert answer.code == 1
    assert_clear(answer)
    assert not (tmp_path / "report.html").exists()
    assert_complete(analysed)


def test_two_deletions_revise_the_models_in_turn(analysed: Home) -> None:
    first = analysed.pause("put artifacts", 1, "drawings", "delete", "3", "--yes", "--json")
    analysed.do("drawings", "delete", "4", "--yes")
    answer = first.go_on()
    assert answer.code == 0, answer.err
    assert_complete(analysed)
    for (uid,) in analysed.query("SELECT uid FROM artifacts"):
        assert analysed.run("verify", uid).code == 0
        assert not {3, 4} & drawings_named(analysed, uid)


def test_an_analysis_between_a_deletion_and_its_revision_ranks_nobody_among_the_deleted(
    analysed: Home,
) -> None:
    (calibrating,) = analysed.query(
        "SELECT min(drawing_id) FROM age_group_model_members WHERE part = 'calibration'"
    )[0]
    deletion = analysed.pause("put artifacts", 1, "drawings", "delete", calibrating, "--yes")
    between = _ranked(analysed.do("drawings", "analyze", "31"))
    assert deletion.go_on().code == 0
    assert _ranked(analysed.do("drawings", "analyze", "31")) == between
    assert between["n_children"] == 19


def test_two_homes_never_touch_each_other_or_anything_else(
    trained: Home, analysed: Home, pictures: Path, tmp_path: Path
) -> None:
    before = fingerprints(analysed.folder)
    elsewhere = {name: tmp_path / name for name in ("HOME", "TMPDIR", "XDG_DATA_HOME")}
    for folder in elsewhere.values():
        folder.mkdir()
    variables = {name: str(folder) for name, folder in elsewhere.items()}
    for command in (ANALYSIS, ("drawings", "delete", "5", "--yes"), (*TRAINING, "--replace")):
        trained.do(*command, **variables)
    trained.do("drawings", "import", pictures / "typical", **variables)
    assert fingerprints(analysed.folder) == before
    assert {name: fingerprints(folder) for name, folder in elsewhere.items()} == {
        name: {} for name in elsewhere
    }


def fingerprints(folder: Path) -> dict[str, str]:
    """The hash of every file."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


def _ranked(answer: dict[str, Any]) -> dict[str, Any]:
    (row,) = answer["analyses"]
    return {**row["results"]["ranking"], "score": row["anomaly_score"]}
