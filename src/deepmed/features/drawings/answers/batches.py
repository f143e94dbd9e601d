"""What the routes of uploads that are analysed as a whole answer."""

from deepmed.core.jobs.ledger import JobLedger
from deepmed.features.drawings.batches import jobs, repository
from deepmed.features.drawings.desk import Desk
from deepmed.features.drawings.jobs import AnalyzePayload
from deepmed.features.drawings.schemas.batches import BatchBegun, BatchJobs
from deepmed.features.drawings.schemas.common import PaginationInfo


def listed(desk: Desk, page: int, page_size: int) -> BatchJobs:
    with desk.home.database.read() as session:
        found, total = repository.page(session, desk.home.owner_id, page, page_size)
    return BatchJobs(
        jobs=[jobs.job_of(each) for each in found],
        pagination=PaginationInfo.of(page, page_size, total),
    )


def analyze(desk: Desk, ledger: JobLedger, uid: str) -> BatchBegun:
    """Let an upload be analysed in the background, under its own id."""
    drawings = jobs.begin(desk.bench, uid)
    job = ledger.submit("drawings.analyze", AnalyzePayload(drawing_ids=drawings, batch=uid))
    return BatchBegun(
        batch_id=uid,
        total_drawings=len(drawings),
        status="processing",
        progress_url=f"/api/v1/analysis/batch/{uid}/progress",
        job_id=job.id,
    )
