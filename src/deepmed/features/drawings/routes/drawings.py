"""Drawings: upload, look, mend, delete (contract 2.1)."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

from fastapi import APIRouter, File, Form, Query, Response, UploadFile

from deepmed.core.jobs.dependencies import Ledger
from deepmed.features.drawings import answers
from deepmed.features.drawings.desk import CallersDesk, Desk
from deepmed.features.drawings.importing.received import receive, refuse_archive
from deepmed.features.drawings.importing.report import ImportReport
from deepmed.features.drawings.metadata import extract_metadata
from deepmed.features.drawings.routes.attachments import PICTURE, attached
from deepmed.features.drawings.routes.uploads import Files, Metadata, NamePattern, take
from deepmed.features.drawings.schemas.analysis import ComparisonExampleResponse
from deepmed.features.drawings.schemas.drawings import (
    AgeText,
    BatchUploadResponse,
    DrawingChanges,
    DrawingFilterRequest,
    DrawingListResponse,
    DrawingResponse,
    DrawingStatistics,
    DrawingUploadRequest,
    UploadedDrawing,
    UploadProgressResponse,
)
from deepmed.features.drawings.schemas.fields import ObjectId, is_uid
from deepmed.features.drawings.thumbnails import thumbnail
from deepmed.kit.errors import NotFoundError, ValidationError

router = APIRouter(prefix="/drawings", tags=["drawings"])


@router.post("/upload", status_code=201)
def upload_drawing(  # noqa: PLR0917 - a form's fields, sent by their names
    desk: CallersDesk,
    file: Annotated[UploadFile, File(description="A picture of a kind that this server reads")],
    age_years: Annotated[AgeText, Form()],
    subject: Annotated[str | None, Form()] = None,
    expert_label: Annotated[str | None, Form()] = None,
    drawing_tool: Annotated[str | None, Form()] = None,
    prompt: Annotated[str | None, Form()] = None,
    child_id: Annotated[str | None, Form()] = None,
) -> UploadedDrawing:
    """Store one drawing. The same bytes are never stored twice: the stored one is the answer."""
    form = DrawingUploadRequest(
        age_years=age_years,
        subject=subject,
        expert_label=expert_label,
        drawing_tool=drawing_tool,
        prompt=prompt,
        child_id=child_id,
    )
    facts = form.model_dump()
    extract_metadata(facts)  # so that what is wrong is told as of a form, not of a table
    with TemporaryDirectory() as folder:
        limit = desk.home.settings.max_file_bytes
        path = receive(Path(folder), file.filename, file.file, limit)
        refuse_archive(path)
        report = desk.importer.import_source(path, defaults=facts, as_dataset=False)
    return _uploaded(desk, report)


@router.get("/upload/progress/{upload_id}")
def upload_progress(desk: CallersDesk, upload_id: str) -> UploadProgressResponse:
    """How far a batch upload came; an unknown id is `not_found`."""
    found = desk.importer.progress.get(upload_id if is_uid(upload_id) else "")
    return UploadProgressResponse(**found)


@router.post("/batch/upload")
def upload_batch(
    desk: CallersDesk,
    ledger: Ledger,
    files: Files,
    metadata: Metadata = None,
    name_pattern: NamePattern = None,
) -> BatchUploadResponse:
    """Check the metadata of up to 50 files, or of one ZIP, then import them in the background.

    Each drawing needs its own age: in `metadata`, in a `metadata.csv` among the files, or in its
    name. Where one has none, nothing is stored.
    """
    taken = take(desk, ledger, files, metadata, name_pattern)
    return BatchUploadResponse(
        upload_id=taken.uid,
        file_count=taken.planned,
        status="processing",
        progress_url=taken.progress_url,
        job_id=taken.job_id,
    )


@router.get("/stats")
def drawing_statistics(desk: CallersDesk) -> DrawingStatistics:
    """How many drawings there are, of which ages and labels, and what they take of the store."""
    return DrawingStatistics(**desk.catalogue.statistics(), storage=answers.storage.storage(desk))


@router.get("/")
def list_drawings(
    desk: CallersDesk, asked: Annotated[DrawingFilterRequest, Query()]
) -> DrawingListResponse:
    """A page of drawings, newest first."""
    found = desk.catalogue.list_drawings(
        asked.wanted(), sort=asked.sort, page=asked.page, page_size=asked.page_size
    )
    return DrawingListResponse.of(found)


@router.get("/{drawing_id}")
def get_drawing(desk: CallersDesk, drawing_id: ObjectId) -> DrawingResponse:
    return DrawingResponse.of(desk.catalogue.get(drawing_id))


@router.patch("/{drawing_id}")
def edit_drawing(
    desk: CallersDesk, drawing_id: ObjectId, changes: DrawingChanges
) -> DrawingResponse:
    """Change what is known of a drawing, or withdraw it from training; models are marked."""
    given = changes.model_dump(exclude_unset=True)
    withdrawn = given.pop("withdrawn", None)
    drawing = desk.catalogue.edit(drawing_id, given)
    if "child_id" in given:
        desk.revise_models()
    if withdrawn is not None:
        drawing = desk.catalogue.withdraw(drawing_id, withdrawn=withdrawn)
    return DrawingResponse.of(drawing)


@router.delete("/{drawing_id}", status_code=204)
def delete_drawing(desk: CallersDesk, drawing_id: ObjectId) -> None:
    """Delete a drawing with its picture, vectors, analyses and explanations."""
    try:
        desk.catalogue.delete_drawing(drawing_id)
    finally:  # also where there is nothing left to delete: an earlier call may have been stopped
        desk.revise_models()


@router.get("/{drawing_id}/file", response_class=Response, responses=PICTURE)
def get_file(desk: CallersDesk, drawing_id: ObjectId) -> Response:
    """The stored picture: upright, on white, without metadata."""
    drawing = desk.catalogue.get(drawing_id)
    return attached(desk.home.storage.get(drawing.file_path), drawing.filename)


@router.get("/{drawing_id}/thumbnail", response_class=Response, responses=PICTURE)
def get_thumbnail(desk: CallersDesk, drawing_id: ObjectId) -> Response:
    """The picture at most 256 pixels wide and high."""
    drawing = desk.catalogue.get(drawing_id)
    return attached(thumbnail(desk.home.storage, drawing.file_path), f"small_{drawing.filename}")


@router.get("/{drawing_id}/neighbours")
def get_neighbours(
    desk: CallersDesk, drawing_id: ObjectId, count: Annotated[int, Query(ge=1, le=20)] = 3
) -> list[ComparisonExampleResponse]:
    """The typical drawings of the age that are most like this one."""
    return answers.analysis.neighbours(desk, drawing_id, count)


def _uploaded(desk: Desk, report: ImportReport) -> UploadedDrawing:
    if report.rejected:
        raise ValidationError(f"The picture was not stored: {report.rejected[0].reason}")
    stored = report.stored[0] if report.stored else None
    present = report.already_present[0] if report.already_present else None
    number = stored.id if stored else present.id if present else None
    if number is None:
        raise NotFoundError("The drawing was deleted while it was uploaded.")
    shown = DrawingResponse.of(desk.catalogue.get(number))
    return UploadedDrawing(
        **shown.model_dump(),
        already_present=present is not None,
        conflicts=present.conflicts if present else {},
        notes=list(stored.notes) if stored else [],
    )
