"""What the routes of notes answer; of the learning library nothing is needed."""

from deepmed.features.drawings.annotations import service
from deepmed.features.drawings.annotations.kinds import Note
from deepmed.features.drawings.annotations.regions import regions_of
from deepmed.features.drawings.annotations.service import AnnotationService
from deepmed.features.drawings.desk import Desk
from deepmed.features.drawings.schemas.interpretability import (
    AnnotationCreated,
    AnnotationHistory,
    AnnotationList,
    AnnotationResponse,
)
from deepmed.features.drawings.schemas.interpretability_requests import (
    AnnotationChanges,
    AnnotationRequest,
)
from deepmed.features.drawings.tables import Annotation

FIELDS = {"annotation_text": "text", "annotation_type": "type"}
"""The contract's names of what a note calls otherwise."""


def annotate(
    desk: Desk, analysis_id: int, request: AnnotationRequest, author: str
) -> AnnotationCreated:
    note = Note(
        request.region_id, request.annotation_text, request.annotation_type, request.user_id
    )
    row = _notes(desk, author).annotate(analysis_id, note)
    return AnnotationCreated(
        message="The annotation is kept beside the explanation.",
        annotation_id=row.uid,
        analysis_id=analysis_id,
        region_id=request.region_id,
    )


def listed(desk: Desk, analysis_id: int, *, with_deleted: bool) -> AnnotationList:
    rows = _notes(desk).listed(analysis_id, with_deleted=with_deleted)
    regions = regions_of(desk.home.database, analysis_id)
    return AnnotationList(
        analysis_id=analysis_id,
        annotations=[AnnotationResponse(**service.told(row, regions)) for row in rows],
        total_count=len(rows),
    )


def one(desk: Desk, analysis_id: int, uid: str) -> AnnotationHistory:
    return _told(desk, _notes(desk).get(analysis_id, uid))


def edit(
    desk: Desk, analysis_id: int, uid: str, changes: AnnotationChanges, author: str
) -> AnnotationHistory:
    wanted = changes.model_dump(exclude_unset=True, exclude={"version"})
    named = {
        FIELDS.get(name, name): value
        for name, value in wanted.items()
        if value is not None or name == "user_id"
    }
    return _told(desk, _notes(desk, author).edit(analysis_id, uid, named, changes.version))


def delete(desk: Desk, analysis_id: int, uid: str, author: str) -> AnnotationHistory:
    return _told(desk, _notes(desk, author).delete(analysis_id, uid))


def _notes(desk: Desk, author: str = "") -> AnnotationService:
    return AnnotationService(desk.home.database, desk.home.owner_id, author)


def _told(desk: Desk, row: Annotation) -> AnnotationHistory:
    regions = regions_of(desk.home.database, row.analysis_id)
    return AnnotationHistory(**service.told(row, regions), history=service.history(row))
