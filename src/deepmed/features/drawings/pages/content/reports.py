"""Reports of all drawings, as jobs have written them."""

from collections.abc import Iterator
from typing import Any

from deepmed.core.jobs.ledger import JobLedger
from deepmed.core.jobs.pages import Shown
from deepmed.features.drawings.desk import Desk
from deepmed.kit.errors import NotFoundError

KIND = "drawings.report"
SHOWN = 20


def listed(desk: Desk, ledger: JobLedger) -> dict[str, Any]:
    with desk.home.database.read() as session:
        found = ledger.list(session, kind=KIND, limit=SHOWN)
    return {"reports": [Shown(job, None) for job in found]}


def pieces(desk: Desk, ledger: JobLedger, uid: str) -> Iterator[bytes]:
    """Raises NotFoundError where there is none, or it is not done."""
    with desk.home.database.read() as session:
        job = ledger.find(session, uid)
    key = job.result.get("report") if job is not None and job.kind == KIND and job.result else None
    if key is None or not desk.home.storage.exists(key):
        raise NotFoundError(f"There is no report {uid}, or it is not done yet.")
    return desk.home.storage.stream(key)
