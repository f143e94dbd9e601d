"""Trainings on their way, kept in the ledger of jobs, so that they outlive the process."""

from collections.abc import Sequence
from typing import Any

from deepmed.core.jobs.context import JobContext
from deepmed.core.jobs.ledger import JobLedger
from deepmed.core.jobs.tables import Job
from deepmed.features.drawings.jobs import Group, TrainPayload
from deepmed.features.drawings.models.ranges import AgeRange
from deepmed.kit.errors import NotFoundError

TRAINING = "drawings.train"


class ModelTrainingTracker:
    """The trainings of one owner."""

    def __init__(self, ledger: JobLedger) -> None:
        self._ledger = ledger

    def start_training(self, groups: Sequence[AgeRange], **settings: Any) -> Job:
        """Queue a training of these groups; `settings` are those of its payload."""
        named = [
            Group(age_min=each.age_min, age_max=each.age_max, upper_closed=each.upper_closed)
            for each in groups
        ]
        return self._ledger.submit(TRAINING, TrainPayload(groups=named, **settings))

    @staticmethod
    def update_training(job: JobContext, stage: str, done: int, total: int) -> None:
        """Called by the training itself as each stage goes on; ends it where it was cancelled."""
        job.progress(done, total, stage)

    def get_training_status(self, uid: str) -> Job:
        """How far a training came.

        Raises:
            NotFoundError: there is no such training.
        """
        with self._ledger.database.read() as session:
            job = self._ledger.find(session, uid)
        if job is None or job.kind != TRAINING:
            raise NotFoundError(f"There is no training {uid}.")
        return job
