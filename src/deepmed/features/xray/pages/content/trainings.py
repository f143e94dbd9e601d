"""The first page of X-rays: trainings, data sets, and how to begin."""

from dataclasses import dataclass
from typing import Any

from deepmed.core.jobs.pages import Shown
from deepmed.features.xray.runs import repository
from deepmed.features.xray.runs.repository import Line
from deepmed.features.xray.runs.service import XrayRuns
from deepmed.features.xray.tables import COMPLETED, FAILED, IN_PROGRESS, XrayRun
from deepmed.kit.errors import NotFoundError
from deepmed.kit.ids import LARGEST_ID

SHOWN = 50
STATES = {COMPLETED: "done", FAILED: "failed", IN_PROGRESS: "running"}


@dataclass(frozen=True)
class RunShown:
    """A line of the list."""

    run: XrayRun
    job: Shown | None
    status: str

    @classmethod
    def of(cls, line: Line) -> "RunShown":
        run, job = line
        return cls(run, None if job is None else Shown(job, None), repository.status_of(line))

    @property
    def words(self) -> str:
        """How it is, in a word: of one that a worker sees to, as the ledger says it."""
        if self.status != COMPLETED and self.job is not None:
            return "stopping" if self.job.stopping else self.job.state
        return STATES[self.status]

    @property
    def look(self) -> str:
        """The class of its chip."""
        return {"failed": "look", "waiting": "none", "cancelled": "none"}.get(self.words, "")

    @property
    def auroc(self) -> dict[str, Any] | None:
        """The figure of the test part with its interval; of validation where there is no test."""
        results = self.run.results
        if self.status != COMPLETED or not results:
            return None
        part = results.get("test") or results.get("validation") or {}
        found: dict[str, Any] | None = part.get("report", {}).get("figures", {}).get("auroc")
        return found


def listed(runs: XrayRuns, before: int | None) -> dict[str, Any]:
    from deepmed.features.xray.uploads import Uploads  # noqa: PLC0415 - with what it is for

    with runs.home.database.read() as session:
        found = repository.page(
            session, runs.home.owner_id, status=None, limit=SHOWN, offset=before or 0
        )
    settings = runs.home.settings
    lines = [RunShown.of(line) for line in found]
    return {
        "runs": lines,
        "comparable": sum(line.status == COMPLETED for line in lines) > 1,
        "completed": any(line.status == COMPLETED for line in lines),
        "older": (before or 0) + SHOWN if len(found) == SHOWN else None,
        "first": not before,
        "uploads": Uploads(runs.home).listed()[:SHOWN],
        "bytes": settings.max_upload_bytes,
    }


def run_of_job(runs: XrayRuns, job_id: int) -> int:
    """The number of the run that a job sees to. Raises NotFoundError."""
    found = None
    if 0 < job_id <= LARGEST_ID:
        with runs.home.database.read() as session:
            found = repository.find_by_job(session, runs.home.owner_id, job_id)
    if found is None:
        raise NotFoundError(f"There is no training that job {job_id} sees to.")
    return found.id
