"""What a training told is drawn whole, whenever somebody comes to look."""

import csv
import io
from datetime import timedelta
from typing import Any

import pytest

from deepmed.core.jobs import repository
from deepmed.core.jobs.forgetting import forget_old
from deepmed.core.jobs.ledger import JobLedger
from deepmed.core.jobs.tables import Job, JobEvent
from deepmed.features.drawings.pages.content.training import fits
from deepmed.kit import clock
from factories.api import Api

GROUP = {"group": "6.0-9.0", "part": "model"}


def epochs(*points: tuple[int, float], part: str = "model") -> JobEvent:
    told = [[epoch, loss, loss / 2] for epoch, loss in points]
    return JobEvent(kind="epochs", data=GROUP | {"part": part, "points": told, "epochs": 50})


def resumed(epoch: int) -> JobEvent:
    return JobEvent(kind="resumed", data=GROUP | {"epoch": epoch})


@pytest.mark.req("U-3.1")
def test_points_follow_each_other_fit_by_fit() -> None:
    found = fits([epochs((1, 4.0), (2, 3.0)), epochs((1, 9.0), part="twin"), epochs((3, 2.0))])
    assert [(fit.part, [point[0] for point in fit.points]) for fit in found] == [
        ("model", [1, 2, 3]),
        ("twin", [1]),
    ]


@pytest.mark.req("U-3.1")
def test_after_an_interruption_repeated_epochs_replace_themselves() -> None:
    [fit] = fits([epochs((1, 4.0), (2, 3.0), (3, 2.5)), resumed(1), epochs((2, 2.9))])
    assert fit.points == [(1, 4.0, 2.0), (2, 2.9, 1.45)]
    assert fit.resumed == 1


@pytest.fixture
def training(api: Api) -> Job:
    """A training that has begun to tell."""
    body = {"age_min": 6, "age_max": 9, "min_samples": 10, "candidate": True}
    uid = api.json("POST", "/models/train", json=body)["job_id"]
    with api.home.database.write() as session:
        job = JobLedger.of(api.home).find(session, uid)
        assert job is not None
        for event in (epochs((1, 4.0), (2, 3.0)), epochs((3, 2.0))):
            repository.append(session, job.id, event.kind, event.data)
    return job


def read(api: Api, path: str) -> Any:
    answer = api.client.get(path, headers={"accept": "text/html"})
    assert answer.status_code == 200, answer.text
    return answer


@pytest.mark.req("U-3.1")
@pytest.mark.req("U-10.1")
def test_curves_their_table_and_their_file_hold_every_point(api: Api, training: Job) -> None:
    page = read(api, f"/models/training/{training.uid}").text
    assert "<polyline" in page
    assert f'data-live="/api/v1/jobs/{training.id}/events"' in page
    rows = list(
        csv.reader(io.StringIO(read(api, f"/models/training/{training.uid}/losses.csv").text))
    )
    assert [row[2] for row in rows] == ["epoch", "1", "2", "3"]
    told = read(api, f"/models/training/{training.uid}/losses.json").json()
    assert [each["loss in learning"] for each in told] == [4.0, 3.0, 2.0]


@pytest.mark.req("P-6.3")
def test_a_training_of_long_ago_says_why_it_has_no_curves(api: Api, training: Job) -> None:
    assert "forgotten" not in read(api, f"/models/training/{training.uid}").text
    api.json("POST", f"/jobs/{training.id}/cancel")
    with api.home.database.write() as session:
        job = repository.row(session, training.id)
        job.finished_at = clock.now() - timedelta(days=91)
    forget_old(api.home)
    assert 'id="forgotten"' in read(api, f"/models/training/{training.uid}").text


@pytest.mark.parametrize("place", ["", "/part", "/losses.csv"])
def test_a_stranger_finds_no_training(api: Api, training: Job, place: str) -> None:
    answer = api.stranger().client.get(f"/models/training/{training.uid}{place}")
    assert answer.status_code == 404
