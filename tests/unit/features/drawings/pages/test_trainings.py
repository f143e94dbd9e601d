"""Trainings on folders and comparisons of settings, as pages show and begin them."""

import html
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from deepmed.app.kinds import job_kinds
from deepmed.core.jobs.history import told
from deepmed.core.jobs.ledger import JobLedger
from deepmed.features.drawings.pages.content.training import fits
from deepmed.features.drawings.pages.content.training_form import choices, datasets, fields
from deepmed.features.drawings.training.config.composing import places
from deepmed.features.drawings.training.config.models import TrainingConfig
from factories.api import Api, api_on
from factories.training_sets import NAME, TABLE, write_set

BROWSER = {"accept": "text/html"}
SET = f"{NAME}/{TABLE}"
SHORT = {"epochs": 3, "model.hidden_dims": "8, 2"}


@pytest.fixture(scope="module")
def api(_migrated: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """On an empty data folder with a folder of drawings beside it, shared by the tests here."""
    folder = tmp_path_factory.mktemp("trainings")
    write_set(folder / "datasets")
    (folder / "home").mkdir()
    shutil.copy(_migrated, folder / "home" / "deepmed.db")
    with api_on(folder / "home", datasets_dir=folder / "datasets") as made:
        yield made


def read(api: Api, path: str, status: int = 200) -> str:
    answer = api.client.get(path, headers=BROWSER)
    assert answer.status_code == status, answer.text
    return html.unescape(answer.text)


def begin(api: Api, path: str = "/trainings", status: int = 202, **changes: Any) -> Any:
    wanted = {"job_name": "a class", "folder": SET, "values": SHORT, **changes}
    answer = api.client.post(path, json=wanted)
    assert answer.status_code == status, answer.text
    return answer.json()


@pytest.fixture(scope="module")
def finished(api: Api) -> str:
    """The uid of a training that was begun by the page's form and has ended."""
    uid: str = begin(api, choices={"model": "small", "optimizer": "sgd"})["uid"]
    assert "data-live" in read(api, f"/trainings/{uid}")
    api.work_off()
    return uid


@pytest.mark.req("D-12.1")
def test_the_form_has_a_field_for_every_value_of_the_configuration() -> None:
    asked = {each.place for _, part in fields(cloud=True) for each in part}
    known = set(places(TrainingConfig().model_dump(mode="json")))
    by_choice = {"optimizer.type", "scheduler.type"}
    assert asked == known - by_choice - {"job_name", "environment"}
    assert {each.group for each in choices()} == {"model", "optimizer", "scheduler", "data"}
    assert all(each.default in each.options for each in choices())
    epochs = next(each for _, part in fields(cloud=False) for each in part if each.name == "epochs")
    assert (epochs.least, epochs.greatest, epochs.step) == (1, 1000, "1")


@pytest.mark.req("S-16.1")
def test_only_folders_of_the_operator_with_a_table_are_offered(api: Api) -> None:
    root = api.home.settings.datasets_dir
    assert root is not None
    (root / "without a table").mkdir(exist_ok=True)
    assert list(datasets(api.home.settings)) == [(NAME, TABLE)]
    for name in ("../home/metadata.csv", "/etc/passwd", "nothing/metadata.csv", "alone"):
        begin(api, status=400, folder=name)


def test_a_training_takes_choices_and_values_and_the_installations_own(
    api: Api, finished: str
) -> None:
    (line,) = [each for each in api.get("/jobs")["jobs"] if each["uid"] == finished]
    assert line["state"] == "succeeded"
    document = reported(api)
    config = document["configuration"]["config"]
    assert config["model"]["hidden_dims"] == [8, 2]
    assert (config["epochs"], config["optimizer"]["type"]) == (3, "sgd")
    assert config["optimizer"]["learning_rate"] == 0.01  # of the choice, not of the defaults
    assert config["seed"] == api.home.settings.seed
    assert config["data"]["percentile"] == api.home.settings.threshold_percentile


def reported(api: Api) -> Any:
    report = api.get("/training/jobs/1/reports")[0]
    return api.ask("GET", report["downloads"]["json"].removeprefix("/api/v1")).json()


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"values": {"epochs": 0}}, "epochs"),
        ({"values": {"nothing": 1}}, "nothing"),
        ({"values": {"epochs": "1,2"}}, "2 values"),
        ({"values": {"hydra.run": "x"}}, "hydra"),
        ({"choices": {"model": "huge"}}, "huge"),
        ({"job_name": "${oc.env:HOME}"}, "job_name"),
    ],
)
def test_what_is_not_acceptable_is_refused_with_its_place(
    api: Api, changes: dict[str, Any], named: str
) -> None:
    assert named in begin(api, status=400, **changes)["detail"]


@pytest.mark.req("U-3.1")
@pytest.mark.req("U-10.1")
def test_a_finished_training_shows_its_figures_curves_and_reports(api: Api, finished: str) -> None:
    text = read(api, f"/trainings/{finished}")
    for figure in ("Final loss", "Best epoch", "Attained level"):
        assert figure in text
    assert "<svg" in text
    places_of_files = re.findall(r'href="(/api/v1/training/jobs/1/reports/\d+/\w+)"', text)
    assert {place.rpartition("/")[2] for place in places_of_files} == {"html", "pdf", "json", "csv"}
    curves = {each["epoch"]: each["val_loss"] for each in reported(api)["curves"]}
    assert losses_told(api, finished) == curves


def losses_told(api: Api, uid: str) -> dict[int, float | None]:
    """By epoch, as a page that was open meanwhile has drawn them."""
    with api.home.database.read() as session:
        job = JobLedger.of(api.home, job_kinds()).find(session, uid)
        assert job is not None
        (fit,) = fits(told(session, job, ("epochs",)))
    return {epoch: watched for epoch, _, watched in fit.points}


@pytest.mark.req("U-3.1")
def test_its_model_is_written_put_into_use_and_taken_out_again(api: Api, finished: str) -> None:
    text = read(api, f"/trainings/{finished}")
    low, high = re.findall(r'inputmode="decimal" required value="(\d+)"', text)
    ages = {"age_group_min": low, "age_group_max": high}
    made = api.json("POST", "/training/models/export", params={"training_job_id": 1, **ages})
    text = read(api, f"/trainings/{finished}")
    assert f"/api/v1/training/models/exports/{made['model_id']}/file" in text
    assert "in use" not in chips(text)
    wanted = {"model_export_path": made["model_id"], **ages, "replace_existing": "false"}
    used = api.json("POST", "/training/models/deploy", params=wanted)["model_id"]
    text = read(api, f"/trainings/{finished}")
    assert "in use" in chips(text)
    assert f"POST /api/v1/training/models/{used}/undeploy" in text


def chips(text: str) -> list[str]:
    return re.findall(r'<span class="chip ?\w*">([^<]+)<', text)


@pytest.mark.req("U-11.1")
def test_a_failed_training_says_why_and_how_it_goes_on(api: Api) -> None:
    root = api.home.settings.datasets_dir
    assert root is not None
    folder = write_set(root, name="taken away")
    uid = begin(api, folder=f"taken away/{TABLE}")["uid"]
    shutil.rmtree(folder)
    api.work_off()
    text = read(api, f"/trainings/{uid}")
    assert "failed" in chips(text)
    assert re.search(r'class="note bad">[^<]+', text)
    assert "/resume" in text


@pytest.mark.req("D-12.1")
def test_settings_are_compared_and_the_best_is_trained(api: Api) -> None:
    begin(api, "/trainings/sweeps", 400, tried="epochs=3")
    begin(api, "/trainings/sweeps", 400, tried="seed=1,2")
    tried = "epochs=2\nmodel.hidden_dims=[8,2],[4]"
    uid = begin(api, "/trainings/sweeps", tried=tried)["uid"]
    assert "Trials, the best first" not in read(api, f"/trainings/sweeps/{uid}")
    assert api.client.post(f"/trainings/sweeps/{uid}/train/1").status_code == 404
    api.work_off()
    text = read(api, f"/trainings/sweeps/{uid}")
    assert text.count(">Train so<") == 2
    assert "model.hidden_dims [8, 2]" in text
    run = api.client.post(f"/trainings/sweeps/{uid}/train/2").json()["uid"]
    shown = read(api, f"/trainings/{run}")
    assert re.search(r"model\.hidden_dims</td><td>4<", shown)
    api.ask("POST", f"/jobs/{api.get('/jobs')['jobs'][0]['id']}/cancel")


def test_a_stranger_finds_none_of_it(api: Api, finished: str) -> None:
    stranger = api.stranger()
    for path in (f"/trainings/{finished}", f"/trainings/{finished}/part"):
        read(stranger, path, 404)
    assert finished not in read(stranger, "/trainings")


def test_without_a_folder_of_datasets_the_page_says_what_to_set(empty: Api) -> None:
    assert "DEEPMED_DATASETS_DIR" in read(empty, "/trainings")
    assert "data-send" not in read(empty, "/trainings")
