"""A process that is killed at each step, and two that train at the same time."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from deepmed.core.home import Home
from deepmed.features.xray.runs import artifact, repository
from deepmed.features.xray.runs.folders import folder_of
from deepmed.features.xray.runs.reading import StoredRun
from deepmed.features.xray.runs.sinks import kept_metrics
from deepmed.features.xray.runs.steps import STEPS
from factories import xray_crashes
from factories.launching import XRAYS, Forked, launcher
from factories.xray import write_films


@dataclass(frozen=True)
class Crashed:
    """What is left, and how each process ended."""

    home: Home
    told: dict[str, Any]

    def run(self, number: int) -> StoredRun:
        return StoredRun.of(self.home, number)

    def messages(self, number: int) -> list[Any]:
        with self.home.database.read() as session:
            return list(repository.events(session, number, 0, 10_000))


@pytest.fixture(scope="module")
def crashed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Crashed]:
    folder = tmp_path_factory.mktemp("crashing")
    first, other = write_films(folder / "first", 16), write_films(folder / "other", 18)
    table = other / "stage2_train_metadata.csv"
    table.write_text(table.read_text().replace("\np", "\nq"))
    said = folder / "said"
    with said.open("wb") as out:
        done = Forked(
            launcher(),
            [str(folder / "home"), str(first), str(other)],
            files=(0, out.fileno(), 2),
            load=XRAYS,
            program=xray_crashes.__name__,
        )
    assert done.wait(200) == 0
    told = json.loads(said.read_text().splitlines()[-1])
    with xray_crashes.opened(str(folder / "home")) as home:
        yield Crashed(home, told)


@pytest.mark.req("X-11.2")
def test_a_run_killed_as_each_step_begins_is_not_lost_and_comes_to_the_same_end(
    crashed: Crashed,
) -> None:
    *killed, last = crashed.told["killed"]
    assert killed == [[-9, "in_progress", step.name] for step in STEPS]
    assert last == [0, "completed", "complete"]
    run = crashed.run(xray_crashes.KILLED)
    assert run.evaluation == crashed.run(xray_crashes.WHOLE).evaluation
    told = crashed.messages(xray_crashes.KILLED)
    assert [event.sequence for event in told] == list(range(len(told)))
    starts = [event for event in told if event.type == "training_start"]
    assert len(starts) == 1, "what was learned is not learned again"


@pytest.mark.req("X-9.1")
def test_two_runs_at_the_same_time_never_mix(crashed: Crashed) -> None:
    assert crashed.told["together"] == [0, 0]
    runs = [crashed.run(number) for number in (3, 4)]
    patients = {run.run.source_path.rpartition("/")[2]: people_of(run) for run in runs}
    assert {name: len(people) for name, people in patients.items()} == {"first": 16, "other": 18}
    assert not patients["first"] & patients["other"]
    for run in runs:
        told = crashed.messages(run.run.id)
        assert [event.sequence for event in told] == list(range(len(told)))
        assert {event.data["run_id"] for event in told if "run_id" in event.data} == {run.run.id}
        rows = [
            event.data["metrics"]
            for event in told
            if event.type == "epoch_end" and event.data["phase"] == "train"
        ]
        assert rows == json.loads(run.file(artifact.HISTORY_JSON))
        assert rows == kept_metrics(folder_of(crashed.home, run.run))
        assert run.run.split_digest == run.split["digest"]
    alike = next(run for run in runs if "first" in run.run.source_path.rpartition("/")[2])
    assert alike.evaluation == crashed.run(xray_crashes.WHOLE).evaluation


def people_of(run: StoredRun) -> set[str]:
    return {row[3] for part in run.split["parts"].values() for row in part}
