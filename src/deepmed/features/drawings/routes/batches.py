"""Uploads that are analysed as a whole, as the contract's page asks for them (contract 13)."""

from typing import Annotated

from fastapi import APIRouter, Query

from deepmed.core.jobs.dependencies import Ledger
from deepmed.features.drawings import answers
from deepmed.features.drawings.desk import CallersDesk
from deepmed.features.drawings.routes.uploads import Files, Metadata, NamePattern, take
from deepmed.features.drawings.schemas.batches import BatchBegun, BatchFiles, BatchJobs
from deepmed.features.drawings.schemas.fields import Uid
from deepmed.kit.ids import LARGEST_ID

router = APIRouter(prefix="/analysis/batch", tags=["analysis"])


@router.get("/jobs")
def list_batches(
    desk: CallersDesk,
    page: Annotated[int, Query(ge=1, le=LARGEST_ID // 100)] = 1,
    page_size: Annotated[int, Query(ge=1, le=100)] = 20,
) -> BatchJobs:
    """Uploads and analyses of many drawings, newest first."""
    return answers.batches.listed(desk, page, page_size)


@router.post("/upload")
def upload_batch(
    desk: CallersDesk,
    ledger: Ledger,
    files: Files,
    metadata: Metadata = None,
    name_pattern: NamePattern = None,
) -> BatchFiles:
    """Store up to 50 files, or one ZIP, that can then be analysed under the same id.

    Each drawing needs its own age, as in `/drawings/batch/upload`; where one has none, nothing is
    stored.
    """
    taken = take(desk, ledger, files, metadata, name_pattern)
    return BatchFiles(
        job_id=taken.uid,
        status="uploading",
        total_files=taken.planned,
        files=taken.files,
        progress_url=taken.progress_url,
        analyze_url=f"/api/v1/analysis/batch/{taken.uid}/analyze",
    )


@router.post("/{batch_id}/analyze")
def analyze_upload(desk: CallersDesk, ledger: Ledger, batch_id: Uid) -> BatchBegun:
    """Analyse what an upload stored; an upload that was analysed before is analysed anew."""
    return answers.batches.analyze(desk, ledger, batch_id)
