"""A training on its page: drawn from all that was recorded, whenever somebody comes to look."""

import csv
import io
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from deepmed.features.xray.pages.content.training import MOST_POINTS
from deepmed.features.xray.pages.curves import Series, curves, going_on
from deepmed.features.xray.runs import repository
from deepmed.features.xray.runs.service import XrayRuns
from deepmed.features.xray.tables import COMPLETED, FAILED, XrayRunEvent
from factories.api import Api, api_on
from factories.page import Page
from factories.xray import small
from factories.xray_rows import EPOCHS, central_row

BROWSER = {"accept": "text/html"}
CURVES = ["loss", "measures", "rates", "gradients", "batches"]
MANY = 2 * MOST_POINTS + 50


@pytest.fixture(scope="module")
def api(_migrated: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    folder = tmp_path_factory.mktemp("live")
    shutil.copy(_migrated, folder / "deepmed.db")
    with api_on(folder) as made:
        yield made


@pytest.fixture(scope="module")
def told(api: Api) -> int:
    """A run in its third epoch, which has told what runs tell."""
    run = central_row(api.home, status="in_progress", stage="fit", results=None)
    tell(api, run, "lr_update", [{"epoch": epoch, "current_lr": 0.1 / epoch} for epoch in (1, 2)])
    tell(api, run, "gradient_stats", [{"step": step, "total_norm": 2.0} for step in (0, 20)])
    tell(api, run, "batch_metrics", [{"step": step, "loss": 0.5} for step in range(MANY)])
    return run


def tell(api: Api, run: int, kind: str, said: list[dict[str, Any]]) -> None:
    with api.home.database.write() as session:
        first = repository.next_sequence(session, run)
        session.add_all(
            XrayRunEvent(run_id=run, sequence=first + place, type=kind, timestamp="", data=data)
            for place, data in enumerate(said)
        )


def part(api: Api, run: int) -> str:
    answer = api.client.get(f"/xrays/runs/{run}/part", headers=BROWSER)
    assert answer.status_code == 200, answer.text
    return str(answer.text)


def points(api: Api, run: int, key: str) -> list[dict[str, str]]:
    answer = api.client.get(f"/xrays/runs/{run}/curves/{key}.csv")
    assert answer.status_code == 200
    return list(csv.DictReader(io.StringIO(answer.text)))


@pytest.mark.req("U-4.1")
def test_loss_measures_rates_and_gradients_are_drawn_with_their_data(api: Api, told: int) -> None:
    text = part(api, told)
    assert [f'id="curve-{key}"' in text for key in CURVES] == [True] * 5
    assert text.count("<polyline") == 2 + 3 + 1 + 1 + 1
    loss, measures, rates, gradients, _, _ = Page(text).tables
    assert loss.rows[0] == ["1", "0.7", "0.6"]
    assert measures.columns == ["epoch", "AUROC", "sensitivity", "accuracy"]
    assert measures.column("AUROC") == [f"{row['val_auroc']:.4g}" for row in EPOCHS]
    assert rates.column("learning rate") == ["0.1", "0.05"]
    assert gradients.column("length") == ["2", "2"]


@pytest.mark.req("U-4.1")
def test_whoever_comes_back_finds_every_point(api: Api, told: int) -> None:
    before = len(points(api, told, "gradients"))
    tell(api, told, "gradient_stats", [{"step": step, "total_norm": 1.0} for step in (40, 60)])
    assert len(points(api, told, "gradients")) == before + 2
    assert Page(part(api, told)).tables[3].column("step")[-2:] == ["40", "60"]


@pytest.mark.req("U-4.1")
def test_of_many_points_the_curve_shows_some_and_the_file_has_all(api: Api, told: int) -> None:
    with api.home.database.read() as session:
        drawn = repository.told(session, told, "batch_metrics", MOST_POINTS)
    steps = [event.data["step"] for event in drawn]
    assert MOST_POINTS / 2 < len(steps) <= MOST_POINTS
    assert steps[-1] == MANY - 1
    assert steps == sorted(steps)
    assert [int(row["step"]) for row in points(api, told, "batches")] == list(range(MANY))


@pytest.mark.req("U-4.1")
def test_steps_that_come_again_after_a_stop_replace_themselves() -> None:
    told = [(0, 1.0), (20, 2.0), (40, 3.0), (20, 2.5), (40, 3.5)]
    assert going_on(told) == [(0, 1.0), (20, 2.5), (40, 3.5)]


def test_a_line_goes_on_without_a_value_that_is_missing() -> None:
    chart = curves("Both", "epoch", "loss", [Series("a", [(1, 0.5), (2, None), (3, 0.4)])])
    assert chart.rows == [[1, 0.5], [2, None], [3, 0.4]]
    assert str(chart.svg).count(",") < 20
    assert "None" not in str(chart.svg)


def test_epochs_are_counted_in_whole_numbers() -> None:
    chart = curves("Loss", "round", "loss", [Series("a", [(1, 0.5), (2, 0.4), (3, 0.3)])], 3)
    below = re.findall(r'y="196.0" text-anchor="middle">([^<]+)<', str(chart.svg))
    assert below == ["1", "2", "3"]


def test_tiny_numbers_are_told_in_units(api: Api) -> None:
    chart = curves("Rate", "epoch", "learning rate", [Series("rate", [(1, 4e-6), (2, 1e-6)])])
    assert "learning rate, in units of 1e-06" in str(chart.svg)
    assert chart.rows[0] == [1, 4e-6]


@pytest.mark.req("U-4.1")
def test_a_run_that_waits_is_stopped_and_goes_on_from_its_page(api: Api, tmp_path: Path) -> None:
    runs = XrayRuns.of(api.home, api.client.app.state.kinds)  # type: ignore[attr-defined] # ours
    run, job = runs.start(tmp_path, "waits", small())
    assert job is not None
    page = str(api.client.get(f"/xrays/runs/{run.id}", headers=BROWSER).text)
    assert f'data-live="/api/v1/jobs/{job.id}/events"' in page
    assert "Waiting for a worker." in page
    cancel = f"/api/v1/xray/runs/{run.id}/cancel"
    assert f'data-send="POST {cancel}"' in page
    assert api.client.post(cancel).is_success
    stopped = part(api, run.id)
    assert "It was cancelled" in stopped
    resume = f"/api/v1/xray/runs/{run.id}/resume"
    assert f'data-send="POST {resume}"' in stopped
    assert api.client.post(resume).is_success
    assert "Waiting for a worker." in part(api, run.id)
    found = api.client.get(f"/xrays/jobs/{job.id}")
    assert (found.status_code, found.headers["location"]) == (303, f"/xrays/runs/{run.id}")


@pytest.mark.req("U-4.1")
@pytest.mark.parametrize(
    ("status", "stage", "marked", "told"),
    [
        (FAILED, "fit", '<li class="failed">Training<', "It was switched off."),
        (COMPLETED, "complete", '<li class="done">Storing the results<', "Of its epochs number 2"),
    ],
)
def test_a_run_that_has_ended_says_how(
    api: Api, status: str, stage: str, marked: str, told: str
) -> None:
    results = {"best_epoch": 2, "monitor": "val_auroc"} if status == COMPLETED else None
    reason = None if status == COMPLETED else "It was switched off."
    run = central_row(api.home, status=status, stage=stage, results=results, reason=reason)
    text = part(api, run)
    assert marked in text
    assert told in text
    assert ("/results" in text) is (status == COMPLETED)
    assert f"/xrays/runs/{run}/again" in text


def test_deleting_a_run_asks_for_the_words(api: Api, told: int) -> None:
    ended = central_row(api.home)
    text = str(api.client.get(f"/xrays/runs/{ended}/delete", headers=BROWSER).text)
    assert f'data-words="run {ended}"' in text
    assert f'data-send="DELETE /api/v1/xray/runs/{ended}"' in text
    running = str(api.client.get(f"/xrays/runs/{told}/delete", headers=BROWSER).text)
    assert "data-send" not in running
    assert "Stop it first" in running


def test_a_federated_run_counts_rounds(api: Api) -> None:
    run = central_row(api.home, training_mode="federated", status="in_progress", results=None)
    tell(api, run, "batch_metrics", [{"step": 1, "loss": 0.5}])
    text = part(api, run)
    assert [f'id="curve-{key}"' in text for key in CURVES] == [True, True, False, False, False]
    assert Page(text).tables[0].columns == ["round", "training images", "validation images"]


def test_there_is_no_other_curve(api: Api, told: int) -> None:
    assert api.client.get(f"/xrays/runs/{told}/curves/secret.csv").status_code == 404
