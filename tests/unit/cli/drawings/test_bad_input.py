"""What a person may get wrong, and what the commands say then."""

import json
from pathlib import Path

import pytest
from PIL import Image

from deepmed.features.drawings.tables import (
    AnomalyAnalysis,
    InterpretabilityResult,
    ModelMember,
)
from deepmed.features.drawings.workbench import Workbench
from factories.drawings import Sketch, add_drawings, embed

from .conftest import Ask

UNKNOWN = 99999


def refused(ask: Ask, *arguments: object) -> str:
    """The message with which a command fails."""
    answer = ask(*arguments, "--json")
    assert answer.code in {1, 2}, answer.out
    message: str = answer.json["message"]
    assert " ".join(message.split())[:60] in " ".join(answer.err.replace("│", " ").split())
    return message


@pytest.mark.parametrize("command", ["analyze", "explain", "compare", "show"])
def test_a_drawing_that_is_not_there(ask: Ask, trained: Workbench, command: str) -> None:
    assert f"There is no drawing {UNKNOWN}" in refused(ask, command, UNKNOWN)


def test_one_unknown_drawing_among_others_stops_the_batch(ask: Ask, trained: Workbench) -> None:
    message = refused(ask, "analyze", 1, UNKNOWN, 2)
    assert f"no drawing {UNKNOWN}" in message
    assert "Nothing was analysed" in message
    with trained.database.read() as session:
        assert session.query(AnomalyAnalysis).count() == 0


@pytest.mark.parametrize(
    ("groups", "words"),
    [
        ("six to nine", "not an age range"),
        ("6", "not an age range"),
        ("9-6", "no age range"),
        ("6-40", "no age range"),
        ("nan-9", "no age range"),
        ("3-7,6-9", "overlap"),
        (",", "No age group was named"),
    ],
)
@pytest.mark.parametrize("command", ["train", "groups"])
def test_wrong_age_groups(
    ask: Ask, trained: Workbench, command: str, groups: str, words: str
) -> None:
    assert words in refused(ask, command, "--groups", groups)


def test_a_wrong_detector_or_layout_names_the_right_ones(ask: Ask, trained: Workbench) -> None:
    message = refused(ask, "train", "--detector", "guess")
    for name in ("autoencoder", "knn", "mahalanobis", "pca", "isolation_forest", "Nothing was"):
        assert name in message
    message = refused(ask, "train", "--layout", "everything")
    assert "visual+age" in message
    assert "one of --candidate and --replace" in refused(ask, "train", "--candidate", "--replace")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--percentile", 30), "not between 50 and 99.9"),
        (("--percentile", 100), "not between 50 and 99.9"),
        (("--percentile", "nan"), "not between 50 and 99.9"),
        (("--value", 1.5), "--model"),
        (("--value", -1, "--model", 1), "positive"),
        (("--percentile", 90, "--value", 1), "either a percentile or a threshold"),
        (("--percentile", 90, "--model", UNKNOWN, "--save"), f"no model {UNKNOWN}"),
    ],
)
def test_a_wrong_threshold_changes_nothing(
    ask: Ask, trained: Workbench, arguments: tuple[object, ...], words: str
) -> None:
    before = ask("threshold", "--json").json
    assert words in refused(ask, "threshold", *arguments)
    assert ask("threshold", "--json").json == before


def test_a_threshold_is_shown_before_it_is_saved(ask: Ask, flagged: int) -> None:
    before = ask("threshold", "--json").json
    preview = ask("threshold", "--percentile", 80, "--json").json
    assert not preview["saved"]
    assert ask("threshold", "--json").json == before
    more = [effect["then"]["flagged_drawings"] for effect in preview["effects"]]
    assert sum(more) > sum(effect["now"]["flagged_drawings"] for effect in preview["effects"])
    saved = ask("threshold", "--percentile", 80, "--save", "--json").json
    assert saved["saved"]
    assert saved["percentile"] == 80
    assert [effect["then"]["flagged_drawings"] for effect in saved["effects"]] == more
    assert len(saved["history"]) == len(before["history"])
    assert len(ask("threshold", "--json").json["history"]) == len(before["history"]) + 1


def test_a_blank_page_is_not_scored_and_not_explained(ask: Ask, trained: Workbench) -> None:
    (blank,) = add_drawings(trained, [Sketch(age=7.0, blank=True)])
    answer = ask("analyze", blank, "--json").json["analyses"][0]
    assert (answer["decision"], answer["is_anomaly"], answer["anomaly_score"]) == (
        "blank",
        False,
        None,
    )
    message = refused(ask, "explain", blank)
    assert "has no score, so there is nothing to explain" in message
    assert "nearly blank" in message


@pytest.mark.req("V-9.1")
@pytest.mark.req("D-7.4")
def test_an_age_without_a_model_has_no_answer(ask: Ask, trained: Workbench) -> None:
    (old,) = add_drawings(trained, [Sketch(age=15.0)])
    embed(trained)
    row = ask("analyze", old, "--json").json["analyses"][0]
    assert (row["decision"], row["p_value"], row["is_anomaly"]) == ("no_model", None, False)
    assert "No model covers the age of 15 years" in row["reason"]
    (older,) = add_drawings(trained, [Sketch(age=16.5)])
    assert "No answer for 2: No model covers these ages." in ask("analyze", old, older).out
    assert "No model covers the age of 15 years" in refused(ask, "explain", old)
    assert "nothing to compare with" in ask("compare", old).out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("explain", 1, "--method", "guess"), "no map by the method 'guess'"),
        (("explain", 1, "--reader", "doctor"), "researcher, educator, parent"),
        (("explain", 1, "--reader", "parent"), "DEEPMED_PARENT_TEXTS"),
        (("faithfulness", 1, "--method", "guess"), "no map by the method 'guess'"),
        (("compare", 1, "--count", 0), "1<=x<=50"),
        (("analyze",), "--all"),
        (("analyze", 1, "--all"), "--all"),
        (("edit", 1), "Name what to correct"),
        (("edit", 1, "--age", 40), "40"),
        (("edit", 1, "--age", "six"), "six"),
        (("delete",), "--child"),
        (("list", "--sort", "beauty"), "beauty"),
        (("list", "--age-min", 9, "--age-max", 6), "upper age"),
        (("list", "--page", 0), "x>=1"),
    ],
    ids=str,
)
def test_what_else_may_be_mistyped(
    ask: Ask, trained: Workbench, arguments: tuple[object, ...], words: str
) -> None:
    assert words in refused(ask, *arguments)


@pytest.mark.req("D-28.1")
def test_texts_for_parents_are_written_where_they_are_switched_on(
    ask: Ask, flagged: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    from deepmed.kit import settings

    monkeypatch.setenv("DEEPMED_PARENT_TEXTS", "true")
    settings.current.cache_clear()
    text = ask("explain", flagged, "--reader", "parent", "--json").json["text"]
    assert text[0] == "The drawing stood out from the collected drawings of other children."


@pytest.mark.req("D-28.1")
def test_a_refused_reader_makes_no_map(ask: Ask, trained: Workbench) -> None:
    refused(ask, "explain", 1, "--reader", "parent")
    with trained.database.read() as session:
        assert session.query(InterpretabilityResult).count() == 0


@pytest.mark.parametrize("command", ["report", "explain"])
def test_a_place_that_cannot_be_written_to(
    ask: Ask, flagged: int, command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("deepmed.features.drawings.report.gathering.MOST_CARDS", 0)
    (tmp_path / "taken").write_text("a file", encoding="utf-8")
    drawing = [flagged] if command == "explain" else []
    message = refused(ask, command, *drawing, "--out", tmp_path / "taken" / "inside")
    assert "cannot be written" in message
    assert (tmp_path / "taken").read_text(encoding="utf-8") == "a file"


def test_an_empty_data_folder_says_what_to_do_next(ask: Ask, bench: Workbench) -> None:
    assert "deepmed drawings import" in ask("list").out
    assert "deepmed drawings import" in ask("groups").out
    assert "deepmed drawings train" in ask("models").out
    assert ask("analyze", "--all").code == 0
    assert "deepmed drawings import" in refused(ask, "report", "--out", "x.html")


def test_a_batch_without_an_age_is_refused_whole(
    ask: Ask, bench: Workbench, tmp_path: Path
) -> None:
    for name in ("a.png", "b.png"):
        Image.new("RGB", (40, 40), "black").save(tmp_path / name)
    (tmp_path / "metadata.csv").write_text("filename,age_years\na.png,6\nb.png,\n", "utf-8")
    message = refused(ask, "import", tmp_path)
    assert "b.png" in message
    assert ask("list", "--json").json["total_count"] == 0


@pytest.mark.req("D-30.2")
def test_deleting_again_finishes_what_a_stopped_deletion_left(
    ask: Ask, trained: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    with trained.database.read() as session:
        gone = session.query(ModelMember).filter_by(part="calibration").first().drawing_id

    def stop(_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("deepmed.features.drawings.following.complete", stop)
        assert ask("delete", gone, "--yes").code == 130
    revisions = [one["artifact_revision"] for one in ask("models", "--json").json["models"]]
    assert set(revisions) == {1}
    assert f"no drawing {gone}" in refused(ask, "delete", gone, "--yes")
    models = ask("models", "--json").json["models"]
    assert {one["artifact_revision"] for one in models} == {1, 2}
    for one in models:
        package = trained.registry.package(one["artifact"])
        named = json.loads(package.files["reference.json"])["model"]
        assert gone not in {row["drawing"] for row in named}
