"""Beyond the contract's lists: one run as a whole, cancelled, resumed, deleted; its stream."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from deepmed.core.home import Home
from deepmed.features.xray.runs import repository
from deepmed.features.xray.runs.reading import StoredRun
from factories.api import Api, api_on
from factories.xray_rows import central_row, films_zip, run_row

from .conftest import CENTRAL, STRANGERS

RUNS = "/xray/runs"
DEEDS = [("GET", ""), ("POST", "/cancel"), ("POST", "/resume"), ("DELETE", "")]


@pytest.fixture(scope="module")
def desk(empty_home: Path) -> Iterator[Api]:
    with api_on(empty_home) as made:
        yield made


def begin(api: Api) -> int:
    files = {"data_zip": ("images.zip", films_zip(), "application/zip")}
    number: int = api.client.post("/experiments/centralized", files=files).json()["run_id"]
    return number


@pytest.mark.req("S-3.1")
@pytest.mark.parametrize(("method", "deed"), DEEDS)
def test_anothers_run_is_not_found(hospital: Api, method: str, deed: str) -> None:
    for run in (STRANGERS, 99, 2**40):
        assert hospital.ask(method, f"{RUNS}/{run}{deed}").status_code == 404
    assert Api.of(hospital.home.for_owner(2)).get(f"{RUNS}/{STRANGERS}")["run_id"] == STRANGERS


def test_a_run_is_told_as_a_whole(real: Api, trained: Home) -> None:
    found = real.get(f"{RUNS}/1")
    stored = StoredRun.of(trained, 1)
    assert (found["results"], found["card"]) == (stored.run.results, stored.card)
    assert found["configuration"] == stored.run.configuration
    assert (found["status"], found["stage"], found["reason"]) == ("completed", "complete", None)


@pytest.mark.req("X-11.2")
def test_a_run_is_cancelled_and_goes_on(desk: Api) -> None:
    number = begin(desk)
    assert desk.get(f"{RUNS}/{number}")["status"] == "in_progress"
    cancelled = desk.ask("POST", f"{RUNS}/{number}/cancel")
    assert cancelled.status_code == 202
    assert cancelled.json()["status"] == "failed"
    assert "cancelled" in cancelled.json()["reason"]
    resumed = desk.ask("POST", f"{RUNS}/{number}/resume")
    assert (resumed.status_code, resumed.json()["status"]) == (202, "in_progress")


def test_what_the_state_forbids_is_refused(desk: Api) -> None:
    by_program = central_row(desk.home)
    for deed in ("cancel", "resume"):
        answer = desk.ask("POST", f"{RUNS}/{by_program}/{deed}")
        assert answer.status_code == 409
        assert "by a program" in answer.json()["detail"]
    waiting = begin(desk)
    refused = desk.ask("DELETE", f"{RUNS}/{waiting}")
    assert refused.status_code == 409
    assert "Cancel it first" in refused.json()["detail"]
    assert desk.get(f"{RUNS}/{waiting}")["status"] == "in_progress"


@pytest.mark.req("S-14.1")
def test_a_run_is_deleted_with_what_it_made(desk: Api) -> None:
    number = central_row(desk.home)
    found = desk.json("DELETE", f"{RUNS}/{number}")
    assert found["run_id"] == number
    assert desk.ask("GET", f"{RUNS}/{number}").status_code == 404
    with desk.home.database.read() as session:
        assert repository.metrics(session, number) == []


def events(text: str) -> list[tuple[str, Any]]:
    blocks = [block.splitlines() for block in text.strip().split("\n\n")]
    return [
        (
            next(line.removeprefix("event: ") for line in block if line.startswith("event: ")),
            json.loads(block[-1].removeprefix("data: ")),
        )
        for block in blocks
    ]


@pytest.mark.req("X-9.1")
def test_a_stream_tells_every_message_of_a_run_once_and_ends_with_it(real: Api) -> None:
    answer = real.client.get("/api/training/stream/run_1")
    assert answer.headers["content-type"].startswith("text/event-stream")
    (kind, told), *heard = events(answer.text)
    assert (kind, told["experiment_id"]) == ("connected", "run_1")
    with real.home.database.read() as session:
        stored = repository.events(session, 1, 0, 10_000)
    assert [(name, one["data"]["sequence"]) for name, one in heard] == [
        (event.type, event.sequence) for event in stored
    ]
    assert {"training_start", "epoch_end", "training_end"} <= {name for name, _ in heard}


@pytest.mark.req("X-9.1")
def test_who_comes_back_misses_nothing(real: Api) -> None:
    def again(place: str) -> Any:
        headers = {"last-event-id": place}
        return real.client.get("/api/training/stream/1", headers=headers)

    with real.home.database.read() as session:
        last = len(repository.events(session, 1, 0, 10_000)) - 1
    _, *heard = events(again("4").text)
    assert [one["data"]["sequence"] for _, one in heard] == list(range(5, last + 1))
    assert again(str(last)).status_code == 204
    assert again(str(last + 1)).status_code == 400
    assert again("x").status_code == 400


def test_a_run_that_said_nothing_has_a_short_stream(hospital: Api) -> None:
    (only,) = events(hospital.client.get(f"/api/training/stream/run_{CENTRAL}").text)
    assert only[0] == "connected"
    other = run_row(hospital.home, "another", status="failed", reason="Why.")
    assert hospital.client.get(f"/api/training/stream/run_{other}").status_code == 200
