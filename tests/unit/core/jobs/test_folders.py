"""How long a job's checkpoints are kept."""

from dataclasses import replace
from datetime import timedelta

import pytest

from deepmed.core.home import Home
from deepmed.core.jobs import endings
from deepmed.core.jobs.folders import KEPT, folder_of, open_folder, sweep_folders
from deepmed.core.jobs.ledger import JobLedger
from deepmed.core.jobs.tables import Job
from deepmed.kit import clock
from factories import job_kinds, jobs


@pytest.mark.req("P-6.1")
def test_a_cancelled_jobs_folder_is_kept_for_a_retry_and_not_for_ever(
    opened: Home, ledger: JobLedger
) -> None:
    job = ledger.submit("test.add", {"first": 1, "second": 1})
    open_folder(opened, job)
    ledger.cancel(job.id)
    sweep_folders(opened, job_kinds.BY_NAME)
    assert folder_of(opened, job).exists()
    with opened.database.write() as session:
        session.get_one(Job, job.id).finished_at = clock.now() - KEPT - timedelta(seconds=1)
    sweep_folders(opened, job_kinds.BY_NAME)
    assert not folder_of(opened, job).exists()


@pytest.mark.req("P-6.1")
def test_what_a_finished_job_or_nobody_left_goes_at_once(opened: Home, ledger: JobLedger) -> None:
    job = ledger.submit("test.add", {"first": 1, "second": 1})
    open_folder(opened, job)
    unknown = opened.settings.home / "jobs" / "unknown"
    unknown.mkdir()
    sweep_folders(opened, job_kinds.BY_NAME)
    assert folder_of(opened, job).exists()
    jobs.claimed(opened.database)
    with opened.database.write() as session:
        endings.succeed(session, job.id, {})
    sweep_folders(opened, job_kinds.BY_NAME)
    assert not folder_of(opened, job).exists()
    assert not unknown.exists()


@pytest.mark.req("P-6.1")
def test_an_outdated_folder_goes_when_its_job_has_ended_and_not_before(
    opened: Home, ledger: JobLedger
) -> None:
    add = job_kinds.BY_NAME["test.add"]
    kinds = {add.name: replace(add, outdated=lambda _, job: job.payload["first"] == 1)}
    outdated, current = (
        ledger.submit("test.add", {"first": first, "second": 1}) for first in (1, 2)
    )
    unknown = ledger.submit("test.hold", {})
    for job in (outdated, current, unknown):
        open_folder(opened, job)
    sweep_folders(opened, kinds)
    assert folder_of(opened, outdated).exists()
    for job in (outdated, current, unknown):
        ledger.cancel(job.id)
    sweep_folders(opened, kinds)
    assert not folder_of(opened, outdated).exists()
    assert folder_of(opened, current).exists()
    assert folder_of(opened, unknown).exists()
