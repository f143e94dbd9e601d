"""Everything of one's own as a file (contract 2.8: export)."""

from fastapi import APIRouter
from fastapi.responses import StreamingResponse

from deepmed.features.drawings.data_export.service import DataExport, Format
from deepmed.features.drawings.desk import CallersDesk
from deepmed.features.drawings.schemas.data_export import ExportMade
from deepmed.kit.http.attachments import attachment

router = APIRouter(prefix="/export", tags=["export"])


@router.post("")
def export_data(
    desk: CallersDesk,
    format: Format = "json",  # noqa: A002 - the contract's name
    *,
    include_embeddings: bool = False,
) -> ExportMade:
    """Write all drawings' facts, models, analyses and explanations; pictures are in a backup."""
    made = DataExport(desk.home).make(format, include_embeddings=include_embeddings)
    return ExportMade.of(made)


@router.get(
    "/download/{export_name}",
    response_class=StreamingResponse,
    responses={200: {"content": {"application/octet-stream": {}}, "description": "The export"}},
)
def download_export(desk: CallersDesk, export_name: str) -> StreamingResponse:
    """An export by its name, without ending."""
    file, pieces = DataExport(desk.home).open(export_name)
    return StreamingResponse(
        pieces,
        media_type="application/octet-stream",
        headers={
            **attachment(file.key.rpartition("/")[2], "no-store"),
            "Content-Length": str(file.size),
        },
    )
