"""What the routes of exported files answer."""

from dataclasses import dataclass

from deepmed.features.drawings.desk import Desk
from deepmed.features.drawings.exports.options import MEDIA_TYPES, Wanted
from deepmed.features.drawings.exports.service import ExportService
from deepmed.features.drawings.interpretability.loading import ExplanationLoader
from deepmed.features.drawings.schemas.interpretability import ExportResponse
from deepmed.features.drawings.schemas.interpretability_requests import ExportRequest


@dataclass(frozen=True)
class Download:
    """A kept file as it is sent."""

    content: bytes
    name: str
    media_type: str


def export(desk: Desk, analysis_id: int, request: ExportRequest) -> ExportResponse:
    """Raises NotFoundError; ConflictError where a text for parents is switched off."""
    wanted = Wanted(
        request.format,
        annotations=request.include_annotations,
        comparisons=request.include_comparisons,
        simplified=request.simplified_version,
        options=request.export_options,
    )
    row, notes = _service(desk).export(analysis_id, wanted)
    return ExportResponse(
        export_id=row.uid,
        file_path=row.file_path,
        file_url=f"/api/v1/interpretability/exports/{row.uid}",
        format=row.format,
        file_size=row.file_size,
        created_at=row.created_at,
        expires_at=row.expires_at,
        ignored_options=request.export_options.unknown,
        notes=notes,
    )


def download(desk: Desk, uid: str) -> Download:
    """Raises NotFoundError, also where the file has expired."""
    row = _service(desk).get(uid)
    name = row.file_path.rpartition("/")[2]
    return Download(desk.bench.storage.get(row.file_path), name, MEDIA_TYPES[row.format])


def _service(desk: Desk) -> ExportService:
    return ExportService(ExplanationLoader(desk.explanations))
