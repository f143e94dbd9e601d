"""What becomes of a run whose worker was killed where nobody was left to say so."""

from collections.abc import Iterator
from pathlib import Path
from threading import Event

import pytest

from deepmed.app import open_home
from deepmed.app.kinds import job_kinds
from deepmed.core.home import Home
from deepmed.core.jobs import repository as jobs
from deepmed.core.jobs.execution import execute
from deepmed.core.jobs.fencing import Run
from deepmed.core.jobs.tables import Job, JobState
from deepmed.features.xray.jobs import QUEUE, TRAIN
from deepmed.features.xray.runs.database_operations import DBOperationsUtils
from deepmed.features.xray.runs.repository import status_of
from deepmed.features.xray.runs.service import XrayRuns
from deepmed.kit import clock
from deepmed.kit.errors import ConflictError
from deepmed.kit.settings import Settings
from factories.jobs import job_of
from factories.xray import small


@pytest.fixture
def runs(settings: Settings) -> Iterator[XrayRuns]:
    with open_home(settings) as home:
        yield XrayRuns.of(home, job_kinds())


def claimed(home: Home) -> Run:
    run = Run(0, "", 60.0)
    with home.database.write_concurrently() as session:
        job = jobs.claim(session, "tests", {QUEUE}, {TRAIN}, lease_until=run.lease_until())
    assert job is not None
    return Run(job.id, str(job.token), 60.0)


@pytest.mark.req("X-11.2")
def test_a_run_killed_behind_its_last_step_is_completed_and_not_begun_again(
    runs: XrayRuns, tmp_path: Path
) -> None:
    run, _ = runs.start(tmp_path, "killed", small())
    DBOperationsUtils(runs.home).complete_training_run(run.id, {})
    attempt = claimed(runs.home)
    execute(runs.home, job_kinds(), attempt, Event())
    job = job_of(runs.home.database, attempt.job_id)
    assert (job.state, job.result) == (JobState.SUCCEEDED, {"run_id": run.id})


@pytest.mark.req("X-11.2")
def test_a_run_whose_only_worker_was_killed_is_resumed_once_that_shows(
    runs: XrayRuns, tmp_path: Path
) -> None:
    run, _ = runs.start(tmp_path, "killed", small())
    attempt = claimed(runs.home)
    with pytest.raises(ConflictError, match="try again"):
        runs.resume(run.id)
    with runs.home.database.write_concurrently() as session:
        session.get_one(Job, attempt.job_id).lease_until = clock.now().replace(year=2000)
    line = runs.resume(run.id)
    assert status_of(line) == "in_progress"
    assert job_of(runs.home.database, attempt.job_id).state == JobState.QUEUED
