"""Which files in the store belong to the drawings' rows."""

from collections.abc import Iterable, Iterator
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from deepmed.core.backups.owned_files import OwnedFiles
from deepmed.core.jobs.tables import Job, JobState
from deepmed.features.drawings.catalogue import repository
from deepmed.features.drawings.exports.expiry import FOLDER as EXPORTS
from deepmed.features.drawings.importing import staging
from deepmed.features.drawings.models.figure_keys import figure_key
from deepmed.kit.storage import FileStorageService

FOLDERS = ("uploads/drawings", "explanations", EXPORTS)


def keys(session: Session, storage: FileStorageService) -> Iterator[str]:
    """Pictures, maps, models' figures, reports, and uploads that wait for their import."""
    yield from sorted(repository.named_files(session))
    figures = map(figure_key, repository.artifact_uids(session))
    yield from filter(storage.exists, figures)
    yield from _reports(session)
    for uid in _waiting_uploads(session):
        yield from (stored.key for stored in storage.list_files(f"{staging.FOLDER}/{uid}"))


def _reports(session: Session) -> Iterator[str]:
    done = select(Job.result).where(
        Job.kind == "drawings.report", Job.state == JobState.SUCCEEDED.value
    )
    results: Iterable[Any] = session.scalars(done)
    yield from (str(result["report"]) for result in results if result)


def _waiting_uploads(session: Session) -> Iterator[str]:
    open_states = [JobState.QUEUED.value, JobState.RUNNING.value, JobState.FAILED.value]
    waiting = select(Job.payload).where(Job.kind == "drawings.import", Job.state.in_(open_states))
    payloads: Iterable[Any] = session.scalars(waiting)
    yield from (str(payload["upload_id"]) for payload in payloads)


OWNED = OwnedFiles(keys, FOLDERS)
