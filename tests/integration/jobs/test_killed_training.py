"""A training, asked for over HTTP, whose child, server or worker is killed in the middle of it."""

import os
import shutil
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
import psutil
import pytest
from sqlalchemy import select

from deepmed.app import open_home
from deepmed.app.kinds import job_kinds
from deepmed.core.home import Home
from deepmed.core.jobs.supervisor import Supervisor
from deepmed.core.jobs.tables import Job, JobState
from deepmed.core.registry.tables import Artifact
from deepmed.features.drawings.models.config import GroupTrainingConfig
from deepmed.features.drawings.models.ranges import AgeRange
from deepmed.features.drawings.tables import AgeGroupModel
from deepmed.kit import settings as kit_settings
from deepmed.learning.reference import Layout
from factories import jobs, slow_training
from factories.drawings import add_drawings, embed, sketches
from factories.homes import open_bench, train
from factories.jobs import until
from factories.launching import LEARNING, Forked, fork_children, launcher
from factories.servers import STDIN, RunningServer, client, running_server
from factories.shared import made_once

DRAWINGS = 25
ASKED = {
    "age_min": 6.0,
    "age_max": 9.0,
    "model_type": "autoencoder",
    "min_samples": DRAWINGS,
    "layout": "visual+age",
    "seed": 0,
}
SAME = GroupTrainingConfig(detector="autoencoder", layout=Layout.AGE, seed=0, **slow_training.FEW)
TRAIN, CHECKPOINTED = "/api/v1/models/train", 10
"""Every so many epochs there is a checkpoint."""
Contents = dict[str, dict[str, str]]


@pytest.fixture(scope="session")
def _untrained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """25 drawings of one age group with their vectors, made once a run of the tests."""

    def make(folder: Path) -> None:
        bench = open_bench(folder / "home")
        add_drawings(bench, sketches(DRAWINGS, 7.5))
        embed(bench)
        bench.database.close()

    return made_once(tmp_path_factory, "killed_training", make) / "home"


@pytest.fixture(scope="session")
def undisturbed(_untrained: Path, tmp_path_factory: pytest.TempPathFactory) -> Contents:
    """What a training that nobody disturbs makes of them."""
    folder = tmp_path_factory.mktemp("undisturbed") / "home"
    shutil.copytree(_untrained, folder)
    bench = open_bench(folder, threads=1)
    train(bench, [AgeRange(6.0, 9.0)], SAME)
    found = contents(Home(bench.settings, bench.database, bench.owner_id))
    bench.database.close()
    return found


@pytest.fixture
def opened(
    home: Path, _untrained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Home]:
    """A copy of the untrained data folder, in which epochs wait until they are let go."""
    shutil.copytree(_untrained, home, dirs_exist_ok=True)
    slow_training.install(tmp_path / "slow", monkeypatch)
    monkeypatch.setenv("DEEPMED_THREADS", "1")
    kit_settings.current.cache_clear()
    with open_home() as found:
        yield found


def contents(home: Home) -> Contents:
    """Checksum of every file of every artefact, by the recipe it was made from."""
    with home.database.read() as session:
        rows = session.scalars(select(Artifact)).all()
    manifests = [home.registry.package(row.uid).manifest for row in rows]
    return {
        each.recipe_hash: {name: entry.sha256 for name, entry in each.files.items()}
        for each in manifests
    }


def submitted(home: Home, connection: httpx.Client) -> Job:
    answer = connection.post(TRAIN, json=ASKED).raise_for_status()
    with home.database.read() as session:
        return session.scalars(select(Job).where(Job.uid == answer.json()["job_id"])).one()


@contextmanager
def served(home: Home) -> Iterator[tuple[RunningServer, httpx.Client]]:
    with ExitStack() as stack:
        server = stack.enter_context(running_server(home.settings.home, load=LEARNING))
        connection = httpx.Client(base_url=server.address, trust_env=False, timeout=30)
        yield server, stack.enter_context(connection)


@contextmanager
def worker(log: Path) -> Iterator[Forked]:
    """`deepmed worker`, killed with the block unless it has ended."""
    with log.open("ab") as out:
        files = (STDIN, out.fileno(), out.fileno())
        process = Forked(launcher(), ["worker"], files=files, load=LEARNING, forks=True)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def half_trained(home: Home, job: Job) -> None:
    """Return when it has a checkpoint, and is not done."""
    folder = home.settings.home / "jobs" / job.uid
    until(lambda: list(folder.glob("*-model.safetensors")), 60)
    assert jobs.job_of(home.database, job.id).state == JobState.RUNNING
    assert not contents(home)


def who_trains(home: Home) -> psutil.Process:
    return psutil.Process(slow_training.who_trains(home.settings.home))


def completed_once(home: Home, job: Job, undisturbed: Contents) -> None:
    """It goes on from its checkpoint, and leaves what an undisturbed training leaves."""
    slow_training.let_go(home.settings.home)
    done = jobs.ended(home.database, job.id, 90)
    assert done.state == JobState.SUCCEEDED, done.error
    events = jobs.events_of(home.database, job.id)
    kinds = [event.kind for event in events]
    assert kinds.count("succeeded") == 1
    resumed = [event.data for event in events if event.kind == "resumed"]
    assert [data["part"] for data in resumed] == ["model"]
    assert resumed[0]["epoch"] >= CHECKPOINTED
    assert [event.sequence for event in events] == list(range(1, done.last_sequence + 1))
    assert contents(home) == undisturbed
    with home.database.read() as session:
        assert sorted(session.scalars(select(AgeGroupModel.kind))) == ["group", "pooled"]
    assert not (home.settings.home / "jobs" / job.uid).exists()


@pytest.mark.req("P-6.3")
def test_a_killed_child_is_followed_by_another_that_goes_on(
    opened: Home, undisturbed: Contents
) -> None:
    with served(opened) as (_, connection):
        job = submitted(opened, connection)
        half_trained(opened, job)
        who_trains(opened).kill()
        completed_once(opened, job, undisturbed)
    assert "retrying" in jobs.kinds_of_events(opened.database, job.id)


@pytest.mark.req("P-6.3")
def test_a_killed_server_goes_on_with_its_training_when_it_is_started_again(
    opened: Home, undisturbed: Contents
) -> None:
    with served(opened) as (server, connection):
        job = submitted(opened, connection)
        half_trained(opened, job)
        child = who_trains(opened)
        os.kill(server.process.pid, signal.SIGKILL)
        until(lambda: jobs.gone(child.pid), 5)
    jobs.expire(opened.database, job.id)
    with served(opened):
        completed_once(opened, job, undisturbed)


@pytest.mark.req("P-6.3")
def test_a_killed_workers_training_goes_on_in_the_next_worker(
    opened: Home, undisturbed: Contents, tmp_path: Path
) -> None:
    job = submitted(opened, client(opened))
    with worker(tmp_path / "first.log") as process:
        half_trained(opened, job)
        child = who_trains(opened)
        process.kill()
        until(lambda: jobs.gone(child.pid), 5)
    jobs.expire(opened.database, job.id)
    with worker(tmp_path / "second.log"):
        completed_once(opened, job, undisturbed)


@pytest.mark.req("P-6.3")
def test_a_cancelled_training_ends_soon_leaves_nothing_half_and_can_go_on(
    opened: Home, undisturbed: Contents, monkeypatch: pytest.MonkeyPatch
) -> None:
    fork_children(monkeypatch, LEARNING)
    supervisor = Supervisor(open_home, job_kinds())
    with client(opened, supervisor=supervisor) as connection:
        job = submitted(opened, connection)
        half_trained(opened, job)
        begun = time.monotonic()
        connection.post(f"/api/v1/jobs/{job.id}/cancel").raise_for_status()
        assert jobs.ended(opened.database, job.id).state == JobState.CANCELLED
        assert time.monotonic() - begun < 10
        with opened.database.read() as session:
            assert session.scalars(select(AgeGroupModel)).all() == []
            assert session.scalars(select(Artifact)).all() == []
        assert not list(opened.storage.list_files("artifacts"))
        connection.post(f"/api/v1/jobs/{job.id}/retry").raise_for_status()
        completed_once(opened, job, undisturbed)
