"""Trainings are followed through the ledger of jobs."""

from pathlib import Path

import pytest

from deepmed.app.kinds import job_kinds
from deepmed.core.jobs.ledger import JobLedger
from deepmed.features.drawings.models.ranges import AgeRange
from deepmed.features.drawings.models.tracker import TRAINING, ModelTrainingTracker
from deepmed.features.drawings.workbench import Workbench
from deepmed.kit.errors import NotFoundError

GROUPS = [AgeRange(3, 6), AgeRange(6, 9, upper_closed=True)]


@pytest.fixture
def ledger(bench: Workbench) -> JobLedger:
    return JobLedger(bench.database, bench.owner_id, job_kinds())


def test_a_training_is_queued_and_found_again(ledger: JobLedger) -> None:
    tracker = ModelTrainingTracker(ledger)
    begun = tracker.start_training(GROUPS, detector="knn", seed=4)
    found = tracker.get_training_status(begun.uid)
    assert (found.kind, found.state) == (TRAINING, "queued")
    assert found.payload["groups"] == [
        {"age_min": 3.0, "age_max": 6.0, "upper_closed": False},
        {"age_min": 6.0, "age_max": 9.0, "upper_closed": True},
    ]
    assert (found.payload["detector"], found.payload["seed"]) == ("knn", 4)


def test_what_is_no_training_is_not_found(ledger: JobLedger) -> None:
    other = ledger.submit("drawings.reembed", {})
    for uid in (other.uid, "0" * 32):
        with pytest.raises(NotFoundError):
            ModelTrainingTracker(ledger).get_training_status(uid)


def test_a_stage_is_told_unless_it_was_cancelled(tmp_path: Path) -> None:
    class Cancelled(Exception):  # noqa: N818 - what a job raises is no fault
        pass

    class Job:
        told: list[tuple[int, int, str]]
        cancelled = False

        def __init__(self) -> None:
            self.told = []

        def progress(self, done: int, total: int, text: str) -> None:
            if self.cancelled:
                raise Cancelled
            self.told.append((done, total, text))

    job = Job()
    update = ModelTrainingTracker.update_training
    update(job, "3-6: fitting", 1, 4)  # type: ignore[arg-type]  # what it asks of a job
    job.cancelled = True
    with pytest.raises(Cancelled):
        update(job, "3-6: calibrating", 2, 4)  # type: ignore[arg-type]  # as above
    assert job.told == [(1, 4, "3-6: fitting")]
