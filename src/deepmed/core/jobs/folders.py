"""Where jobs keep checkpoints: one folder a job in the data folder of the machine it runs on."""

import shutil
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

from sqlalchemy.orm import Session

from deepmed.core.home import Home
from deepmed.core.jobs import repository
from deepmed.core.jobs.kinds import JobKind
from deepmed.core.jobs.tables import Job, JobState
from deepmed.kit import clock
from deepmed.kit.database.batches import in_batches

KEPT = timedelta(days=1)
"""How long a cancelled or failed job can go on from its checkpoint when it is retried."""


def folder_of(home: Home, job: Job) -> Path:
    return home.settings.home / "jobs" / job.uid


def open_folder(home: Home, job: Job) -> Path:
    folder = folder_of(home, job)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def remove_folder(home: Home, job: Job) -> None:
    shutil.rmtree(folder_of(home, job), ignore_errors=True)


def sweep_folders(home: Home, kinds: Mapping[str, JobKind]) -> None:
    """Remove what jobs left here that nobody retried in time, or whose worker died tidying up.

    What failed and cancelled jobs of these kinds left goes sooner, where it is outdated.
    """
    parent = home.settings.home / "jobs"
    names = [path.name for path in parent.iterdir()] if parent.is_dir() else []
    for batch in in_batches(names):
        with home.database.read() as session:
            jobs = repository.going_on(session, batch, clock.now() - KEPT)
            needed = {job.uid for job in jobs if not _is_outdated(session, job, kinds)}
        for name in set(batch) - needed:
            shutil.rmtree(parent / name, ignore_errors=True)


def _is_outdated(session: Session, job: Job, kinds: Mapping[str, JobKind]) -> bool:
    if not JobState(job.state).final or job.kind not in kinds:
        return False
    outdated = kinds[job.kind].outdated
    return outdated is not None and outdated(session, job)
