"""A training on X-rays that is cancelled, and then killed, goes on and loses no message."""

import os
import signal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import select

from deepmed.app import open_home
from deepmed.app.kinds import job_kinds
from deepmed.core.jobs import children
from deepmed.core.jobs.supervisor import Supervisor
from deepmed.core.jobs.tables import JobState
from deepmed.features.xray.runs import repository
from deepmed.features.xray.runs.folders import folder_of
from deepmed.features.xray.runs.repository import status_of
from deepmed.features.xray.runs.service import XrayRuns
from deepmed.features.xray.tables import XrayRunEvent
from factories import jobs, launching
from factories.jobs import until
from factories.xray import small, write_films


@pytest.mark.req("X-11.2")
def test_a_cancelled_and_killed_training_goes_on_from_its_checkpoint(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = write_films(tmp_path / "films", 24)
    forking = launching.forking(launching.launcher(), launching.XRAYS)
    started: list[launching.Forked] = []

    def start(*given: Any, **settings: Any) -> launching.Forked:
        started.append(forking.Popen(*given, **settings))
        return started[-1]

    monkeypatch.setattr(children, "subprocess", SimpleNamespace(**vars(forking) | {"Popen": start}))
    with open_home() as opened:
        runs = XrayRuns.of(opened, job_kinds())
        run, job = runs.start(source, "killed", small("epochs=12", "early_stopping_patience=12"))
        assert job is not None
        last = folder_of(opened, run) / "checkpoints" / "last.safetensors"
        supervisor = Supervisor(open_home, job_kinds(), pace=jobs.QUICK, only=job.id)
        supervisor.start()
        try:
            until(last.is_file, 60)
            runs.cancel(run.id)
            assert jobs.ended(opened.database, job.id, 10).state == JobState.CANCELLED
            assert status_of(runs.get(run.id)) == "failed"
            runs.resume(run.id)
            learned = len(runs.history(run.id))
            until(lambda: len(runs.history(run.id)) > learned, 60)
            os.kill(started[-1].pid, signal.SIGKILL)
            until(lambda: jobs.job_of(opened.database, job.id).attempt == 2, 60)
            assert jobs.ended(opened.database, job.id, 120).state == JobState.SUCCEEDED
        finally:
            supervisor.stop()
        assert status_of(runs.get(run.id)) == "completed"
        with opened.database.read() as session:
            query = select(XrayRunEvent).where(XrayRunEvent.run_id == run.id)
            told = session.scalars(query.order_by(XrayRunEvent.sequence)).all()
            epochs = {row.step for row in repository.metrics(session, run.id)}
    assert [event.sequence for event in told] == list(range(len(told)))
    starts = [event.data["first_epoch"] for event in told if event.type == "training_start"]
    assert starts[0] == 1
    assert starts == sorted(starts)
    assert starts[1] > 1
    assert len(starts) == 3
    assert epochs == set(range(1, 13))
