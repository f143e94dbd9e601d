"""One run of a job, in whatever thread or process it is: from its row to its end."""

import json
import time
from collections.abc import Callable, Mapping
from enum import Enum
from threading import Event
from typing import Any

from pydantic import BaseModel
from sqlalchemy.orm import Session

from deepmed.core.home import Home
from deepmed.core.jobs import endings, repository
from deepmed.core.jobs.context import JobContext
from deepmed.core.jobs.errors import JobCancelled, LeaseLostError
from deepmed.core.jobs.failures import trouble_of
from deepmed.core.jobs.fencing import FencedDatabase, Run
from deepmed.core.jobs.folders import open_folder, remove_folder
from deepmed.core.jobs.kinds import JobKind
from deepmed.core.jobs.payloads import read_payload
from deepmed.core.jobs.tables import Job, JobState
from deepmed.kit.errors import ResourceError

PATIENCE = (0.2, 0.5, 1.0, 2.0, 4.0)
"""Pauses while the database cannot be reached: finished work is not thrown away for that."""


class Outcome(Enum):
    SETTLED = "settled"
    """It has ended, and the ledger knows."""
    STOPPED = "stopped"
    """It stopped because it was asked to; the supervisor knows why and writes it down."""
    LOST = "lost"
    """Another run has the job, so nothing was written."""


def execute(home: Home, kinds: Mapping[str, JobKind], run: Run, stop: Event) -> Outcome:
    """Do the work and write its end, in one transaction that only this run can make."""
    with home.database.read() as session:
        job = repository.row(session, run.job_id)
    if job.token != run.token:
        return Outcome.LOST
    try:
        return _attempt(home, run, job, kinds, stop)
    except LeaseLostError:
        return Outcome.LOST


def settle(home: Home, run: Run, how: Callable[[Session, Job], None]) -> None:
    """End the run as `how` says, with patience, and tidy up where the job is done.

    Raises:
        LeaseLostError: the run is over already; nothing was written.
        ResourceError: the database stayed out of reach; the lease will expire.
    """
    for pause in (*PATIENCE, None):
        try:
            job = _settle(FencedDatabase(home.database, run), how)
            break
        except ResourceError:
            if pause is None:
                raise
            time.sleep(pause)
    if job.state == JobState.SUCCEEDED:  # any other end may be followed by a retry
        remove_folder(home, job)


def _settle(database: FencedDatabase, how: Callable[[Session, Job], None]) -> Job:
    with database.write_concurrently() as session:
        how(session, repository.row(session, database.run.job_id))
        return repository.row(session, database.run.job_id)


def _attempt(home: Home, run: Run, job: Job, kinds: Mapping[str, JobKind], stop: Event) -> Outcome:
    try:
        result = _result(home, run, job, kinds[job.kind], stop)
    except JobCancelled:
        return Outcome.STOPPED
    except LeaseLostError:
        raise
    except Exception as error:  # noqa: BLE001 - a worker's edge: each error becomes the job's end
        trouble = trouble_of(error, job.id)
        settle(home, run, lambda session, row: endings.fail(session, row, trouble))
    else:
        settle(home, run, lambda session, row: endings.succeed(session, row.id, result))
    return Outcome.SETTLED


def _result(home: Home, run: Run, job: Job, kind: JobKind, stop: Event) -> dict[str, Any]:
    fenced = FencedDatabase(home.database, run)
    own = home.for_owner(job.owner_id).with_database(fenced)
    payload = read_payload(kind, job.payload)
    context = JobContext(fenced, payload, job.attempt, open_folder(home, job), stop)
    result = _checked(kind.run(own, context))
    context.flush()
    return result


def _checked(result: Any) -> dict[str, Any]:
    """What JSON makes of the result, so that a wrong one is told as the job's own fault."""
    if isinstance(result, BaseModel):
        result = result.model_dump(mode="json")
    plain = json.loads(json.dumps(result, allow_nan=False))
    if not isinstance(plain, dict):
        raise TypeError("A job's result must be an object with names.")
    return plain
