"""Drawings: upload, look, mend, delete (contract 2.1)."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

from fastapi import APIRouter, File, Form, Query, Response, UploadFile

from deepmed.core.jobs.dependencies import Ledger
from deepmed.features.drawings import answers
from deepmed.features.drawings.desk import CallersDesk, Desk
from deepmed.features.drawings.importing.plan import plan_import, refuse_pictureless
from deepmed.features.drawings.importing.received import (
    METADATA,
    is_archive,
    label_of,
    receive,
    refuse_archive,
    refuse_doubled,
    source_of,
)
from deepmed.features.drawings.importing.report import ImportReport
from deepmed.features.drawings.importing.sources import open_source
from deepmed.features.drawings.importing.staging import Staging
from deepmed.features.drawings.jobs import ImportPayload
from deepmed.features.drawings.metadata import extract_metadata
from deepmed.features.drawings.routes.attachments import PICTURE, attached
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
from deepmed.kit.ids import new_uid

router = APIRouter(prefix="/drawings", tags=["drawings"])

MOST_FILES = 50


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
    files: Annotated[list[UploadFile], File(description="Pictures, or one ZIP, and their table")],
    metadata: Annotated[
        str | None, Form(description="JSON: a list of objects with `filename` and `age_years`")
    ] = None,
    name_pattern: Annotated[
        str | None, Form(description="Metadata in file names, as {subject}_age{age}_{child_id}")
    ] = None,
) -> BatchUploadResponse:
    """Check the metadata of up to 50 files, or of one ZIP, then import them in the background.

    Each drawing needs its own age: in `metadata`, in a `metadata.csv` among the files, or in its
    name. Where one has none, nothing is stored.
    """
    if len(files) > MOST_FILES:
        raise ValidationError(
            f"{len(files)} files were sent and {MOST_FILES} are the most; nothing was stored. "
            "Send a ZIP instead, or import the folder with `deepmed drawings import`."
        )
    uid = new_uid()
    with TemporaryDirectory() as name:
        folder = Path(name)
        names = _receive_all(desk, folder, files, metadata)
        path, table = source_of(folder, names)
        with open_source(path, desk.home.settings) as source:
            plan = plan_import(source, name_pattern=name_pattern, metadata=table)
        refuse_pictureless(plan)
        Staging(desk.home.storage, uid).put(folder, names)
    planned = len(plan.drawings)
    desk.importer.progress.announce(uid, f"upload {uid[:8]}", planned)
    job = ledger.submit(
        "drawings.import",
        ImportPayload(upload_id=uid, files=len(files), name_pattern=name_pattern),
    )
    return BatchUploadResponse(
        upload_id=uid,
        file_count=planned,
        status="processing",
        progress_url=f"/api/v1/drawings/upload/progress/{uid}",
        job_id=job.id,
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


def _receive_all(
    desk: Desk, folder: Path, files: list[UploadFile], metadata: str | None
) -> list[str]:
    sent = [file.filename for file in files]
    refuse_doubled(sent if metadata is None else [*sent, METADATA])
    settings = desk.home.settings
    alone = is_archive([label_of(name) for name in sent])
    limit = settings.max_archive_bytes if alone else settings.max_file_bytes
    names = [receive(folder, file.filename, file.file, limit).name for file in files]
    if metadata is not None:
        (folder / METADATA).write_text(metadata, encoding="utf-8")
        names.append(METADATA)
    return names
