"""The page of what a training came to: its numbers are those that are stored."""

import csv
import io
import json
from itertools import pairwise

import pytest

from deepmed.features.xray.pages.outcome import predicted
from deepmed.features.xray.pages.outcome import words as outcome
from deepmed.features.xray.report import drawn
from deepmed.features.xray.runs.reading import StoredRun
from deepmed.learning.evaluation.binary import confusion_matrix
from factories.api import Api
from factories.markup import points, read, words
from factories.xray_rows import run_row

RUN, ANOTHER, THREE, NO_TEST = 1, 3, 4, 6


def run_of(clinic: Api, number: int = RUN) -> StoredRun:
    return StoredRun.of(clinic.home, number)


def interval(figure: dict[str, float]) -> str:
    return f"{figure['low']:.3f} to {figure['high']:.3f}"


@pytest.mark.req("U-4.1")
def test_every_figure_stands_with_its_interval_and_whom_it_rests_on(clinic: Api) -> None:
    text = words(read(clinic, f"/xrays/runs/{RUN}/results"))
    report = run_of(clinic).evaluation["test"]["report"]
    assert f"{report['n_items']} images of {report['n_patients']} patients" in text
    for name in ("auroc", "sensitivity", "brier", "npv_at_prevalence"):
        found = report["figures"][name]
        whole = f"{found['estimate']:.3f} {interval(found)} {found['sample_size']} "
        assert whole + str(found["n_items"]) in text


def test_predictive_values_name_the_prevalence_that_they_are_stated_for(clinic: Api) -> None:
    text = words(read(clinic, f"/xrays/runs/{RUN}/results"))
    assert "where 10 % of the people examined have it" in text
    assert "50 % of the images have it, and with another share this is another figure" in text


def test_the_command_that_counts_again_names_what_it_takes(clinic: Api) -> None:
    text = words(read(clinic, f"/xrays/runs/{RUN}/results"))
    assert f"deepmed verify {run_of(clinic).artifact.uid} does it" in text


@pytest.mark.req("U-10.1")
def test_the_confusion_matrix_is_drawn_from_its_counts(clinic: Api) -> None:
    text = read(clinic, f"/xrays/runs/{RUN}/results")
    counts = run_of(clinic).evaluation["test"]["report"]["confusion"]
    drawn = words(text.partition("Decisions on the test part")[2].partition("</svg>")[0])
    cells = ("true_negatives", "false_positives", "false_negatives", "true_positives")
    shown = [word for word in drawn.split() if word.isdigit()]
    assert shown == [str(counts[cell]) for cell in cells]


def test_calibration_shows_each_bin_with_how_many_images_are_in_it(clinic: Api) -> None:
    text = read(clinic, f"/xrays/runs/{RUN}/results")
    bins = run_of(clinic).evaluation["test"]["report"]["reliability"]
    drawn = text.partition("Calibration on the test part")[2].partition("</figure>")[0]
    assert drawn.count("<circle") == sum(each["n"] > 0 for each in bins)
    for each in bins:
        if each["n"]:
            assert f"<td>{each['n']}</td><td>{each['stated']:.4g}</td>" in drawn


def test_groups_too_small_for_figures_say_so(clinic: Api) -> None:
    text = words(read(clinic, f"/xrays/runs/{RUN}/results"))
    groups = run_of(clinic).evaluation["test"]["subgroups"]
    small = [each for each in groups if each["reason"]]
    assert {each["attribute"] for each in groups} == {"sex"}
    assert small
    for each in small:
        assert f"{each['attribute']} {each['value']} {each['n_patients']}" in text
        assert each["reason"] in text


def test_validation_says_that_it_fixed_the_threshold(clinic: Api) -> None:
    fixed = words(read(clinic, f"/xrays/runs/{RUN}/results?part=validation"))
    assert "a little too good" in fixed
    alone = words(read(clinic, f"/xrays/runs/{NO_TEST}/results"))
    assert "The split has no test part." in alone
    assert "Figures of the validation part" in alone


def test_looks_at_the_test_part_are_counted_from_the_audit_trail(clinic: Api) -> None:
    """The first two runs have one split."""
    for number in (RUN, RUN + 1):
        text = words(read(clinic, f"/xrays/runs/{number}/results"))
        assert "It was looked at 2 times, by runs 1 and 2. Who chooses" in text
    assert "It was looked at once." in words(read(clinic, f"/xrays/runs/{ANOTHER}/results"))
    assert "not on record here" in outcome.tested(())


def test_where_no_patient_is_known_figures_are_over_images_and_say_so(clinic: Api) -> None:
    run, text = run_of(clinic, THREE), words(read(clinic, f"/xrays/runs/{THREE}/results"))
    report = run.evaluation["test"]["report"]
    n = report["n_items"]
    assert {each["unit"] for each in report["figures"].values() if each["estimate"]} == {"image"}
    assert run.card["counted_by"]["test"] == "image"
    assert f"{n} images of {n} images (patients known: of 0 of {n} images)" in text
    assert "Figures with their intervals over images" in text
    assert "Intervals are over images, 50 draws: nothing says whose the images are." in text
    assert "they may stand in several parts, and figures may be too good" in text
    assert "patient is drawn" not in text


def test_the_data_page_says_where_no_patient_is_known(clinic: Api) -> None:
    text = words(read(clinic, f"/xrays/runs/{THREE}/data"))
    assert "patients known: of 0 of 36 images." in text
    assert "Images were dealt to three parts by chance, each by itself" in text
    assert "0 and 24 images of nobody known" in text
    assert "No image stands in more than one part. Patients known: of 0 of 36 images." in text
    assert "No patient and no image stands" not in text


def test_several_classes_have_their_own_figures_and_no_threshold(clinic: Api) -> None:
    text = words(read(clinic, f"/xrays/runs/{THREE}/results"))
    assert "Each class against the rest" in text
    assert "there is no threshold to move" in text
    answers = words(read(clinic, f"/xrays/runs/{THREE}/results/curves?part=test"))
    assert "cloudy" in answers
    assert "ROC curve" not in answers
    read(clinic, f"/xrays/runs/{THREE}/results/threshold?at=0.5", 400)


def test_names_of_runs_are_text(clinic: Api) -> None:
    text = read(clinic, f"/xrays/runs/{RUN}/results")
    assert "first &lt;run&gt;" in text
    assert "<run>" not in text


def test_curves_go_from_no_image_called_to_all(clinic: Api) -> None:
    text = read(clinic, f"/xrays/runs/{RUN}/results/curves?part=test")
    (roc, recall) = points(text)
    assert (roc[0], roc[-1]) == ((40.0, 290.0), (386.0, 30.0))
    assert all(one[0] <= other[0] for one, other in pairwise(roc))
    assert recall[-1][0] == 386.0


@pytest.mark.req("U-4.1")
def test_at_the_stored_threshold_the_slider_shows_what_is_stored(clinic: Api) -> None:
    text = words(read(clinic, f"/xrays/runs/{RUN}/results/slider"))
    report = run_of(clinic).evaluation["validation"]["report"]
    for name in ("sensitivity", "specificity", "ppv_at_prevalence", "f1"):
        both = f"{report['figures'][name]['estimate']:.3f} {interval(report['figures'][name])}"
        assert f"{both} {both}" in text
    assert f"{report['n_items']} images of {report['n_patients']} patients" in text


def test_the_slider_draws_so_often_and_no_more_and_says_so(
    clinic: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = f"/xrays/runs/{RUN}/results/threshold?at=0.25"
    assert "draws" not in read(clinic, address)
    monkeypatch.setattr(predicted, "_decided", lambda *_: pytest.fail("drawn again"))
    read(clinic, address)
    monkeypatch.setattr(drawn, "MOST_RESAMPLES", 20)
    assert "20 draws" in read(clinic, address)


def test_another_threshold_is_counted_on_validation(clinic: Api) -> None:
    run = run_of(clinic)
    records = run.predictions["validation"]
    labels = [one["label"] for one in records]
    shares = [one["probability"] for one in records]
    for at in (0.0, sorted(shares)[len(shares) // 3], 1.0):
        counts = confusion_matrix(labels, shares, at)
        text = words(read(clinic, f"/xrays/runs/{RUN}/results/threshold?at={at!r}"))
        assert f"{counts.true_positives} are found and {counts.false_negatives} missed" in text
        assert f"{counts.true_negatives} are left alone" in text
    assert run_of(clinic).model["operating_point"] == run.model["operating_point"]
    read(clinic, f"/xrays/runs/{RUN}/results/threshold?at=1.5", 422)


def test_answers_and_those_withheld_add_up(clinic: Api) -> None:
    text = words(read(clinic, f"/xrays/runs/{RUN}/results/curves?part=test"))
    n = run_of(clinic).evaluation["test"]["report"]["n_items"]
    *_, right, wrong, none, whole = text.partition(" all ")[2].split()[:4]
    assert int(right) + int(wrong) + int(none) == int(whole) == n


def test_every_prediction_can_be_had_as_it_is_stored(clinic: Api) -> None:
    stored = run_of(clinic).predictions
    rows = list(
        csv.DictReader(io.StringIO(read(clinic, f"/xrays/runs/{RUN}/results/predictions.csv")))
    )
    assert len(rows) == sum(map(len, stored.values()))
    tested = {row["image"]: row for row in rows if row["part"] == "test"}
    for one in stored["test"]:
        assert float(tested[one["image"]]["probability"]) == one["probability"]
    steps = json.loads(read(clinic, f"/xrays/runs/{RUN}/results/test-thresholds.json"))
    assert len(steps) == len({one["probability"] for one in stored["test"]})
    read(clinic, f"/xrays/runs/{RUN}/results/train-thresholds.csv", 404)
    read(clinic, f"/xrays/runs/{THREE}/results/test-thresholds.csv", 404)


@pytest.mark.parametrize(
    "path", ["", "/curves?part=test", "/slider", "/threshold?at=0.5", "/predictions.csv"]
)
def test_results_of_others_are_not_there(stranger: Api, path: str) -> None:
    read(stranger, f"/xrays/runs/{RUN}/results{path}", 404)


def test_a_run_without_results_says_why(stranger: Api) -> None:
    number = run_row(stranger.home, status="failed", reason="No labels.", results=None)
    text = words(read(stranger, f"/xrays/runs/{number}/results"))
    assert "has failed, so it has no results. No labels." in text
    read(stranger, f"/xrays/runs/{number}/results/slider", 409)
