"""How far an upload is on its way to answers, and letting it be analysed."""

from deepmed.features.drawings.analysis.tracker import BatchAnalysisTracker
from deepmed.features.drawings.batches import repository
from deepmed.features.drawings.batches.repository import Found
from deepmed.features.drawings.schemas.batches import BatchJob
from deepmed.features.drawings.schemas.common import ErrorDetail, ErrorResponse
from deepmed.features.drawings.tables import AnalysisBatch, ImportRun
from deepmed.features.drawings.workbench import Workbench
from deepmed.kit.errors import ConflictError, NotFoundError

UPLOADING, READY, PROCESSING, COMPLETED, FAILED = (
    "uploading",
    "ready",
    "processing",
    "completed",
    "failed",
)
_UNDER_WAY = {"started", "running"}


def begin(bench: Workbench, uid: str) -> list[int]:
    """Take an upload's drawings and a batch of its own id for their analysis.

    Raises:
        NotFoundError: there is no such upload.
        ConflictError: it is being stored or analysed now, or none of its drawings is there.
    """
    with bench.database.read() as session:
        found = repository.one(session, bench.owner_id, uid)
        run = found.run
        dataset = (run.report if run else {}).get("dataset_id")
        drawings = repository.drawings_of(session, bench.owner_id, dataset) if dataset else []
    if run is None:
        raise NotFoundError(f"There is no upload {uid}.")
    state = status_of(found)
    if state == UPLOADING:
        raise ConflictError(
            "The files are still being stored; nothing was analysed. Ask for the progress of the "
            "upload, and again when it is completed."
        )
    if state == PROCESSING:
        raise ConflictError("It is being analysed already; nothing was begun anew.")
    if not drawings:
        raise ConflictError("None of its drawings is stored, so there is nothing to analyse.")
    BatchAnalysisTracker(bench).create_batch(len(drawings), uid)
    return drawings


def status_of(found: Found) -> str:
    """The contract's word for how far it is."""
    if found.batch is not None:
        return found.batch.status
    status = found.run.status if found.run else FAILED
    if status in _UNDER_WAY:
        return UPLOADING
    return READY if status == COMPLETED else FAILED


def job_of(found: Found) -> BatchJob:
    run, batch, status = found.run, found.batch, status_of(found)
    first = run or batch
    assert first is not None, "one of them has the id"  # noqa: S101 - by the query
    analysed = f"/api/v1/analysis/batch/{found.uid}"
    ready = run is not None and status in {READY, COMPLETED}
    return BatchJob(
        job_id=found.uid,
        status=status,
        total_files=run.total if run else None,
        stored=_count(run, "stored"),
        rejected=_count(run, "rejected"),
        total_drawings=batch.total if batch else None,
        completed=batch.completed if batch else 0,
        failed=batch.failed if batch else 0,
        created_at=first.started_at,
        completed_at=batch.completed_at if batch else None,
        progress_url=f"{analysed}/progress"
        if batch
        else f"/api/v1/drawings/upload/progress/{found.uid}",
        analyze_url=f"{analysed}/analyze" if ready else None,
        error=_error(run, batch),
    )


def _count(run: ImportRun | None, name: str) -> int | None:
    return None if run is None else run.report.get(name)


def _error(run: ImportRun | None, batch: AnalysisBatch | None) -> ErrorResponse | None:
    """Why an analysis or an upload failed, or which files of it were not stored."""
    if batch is not None and batch.status == FAILED:
        return ErrorResponse(error="analysis_failed", message=" ".join(map(str, batch.errors)))
    report = run.report if run else {}
    if "error" in report:
        return ErrorResponse(error="upload_failed", message=report["error"])
    refusals = report.get("refusals") or []
    if not refusals:
        return None
    return ErrorResponse(
        error="files_refused",
        message=f"{len(refusals)} files were not stored; the others were.",
        details=[
            ErrorDetail(code="file_refused", message=each["reason"], field=each["name"])
            for each in refusals
        ],
    )
