"""Addresses of the page from which reports and exports are fetched."""

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse, StreamingResponse

from deepmed.core.jobs.dependencies import Ledger
from deepmed.features.drawings.desk import CallersDesk
from deepmed.features.drawings.jobs import ReportPayload
from deepmed.features.drawings.pages import content
from deepmed.features.drawings.schemas.fields import Uid
from deepmed.kit.http.attachments import attachment
from deepmed.web.shell import Entry, page

PACKAGE = "deepmed.features.drawings"
ENTRY = Entry("Reports", "/reports")
JOB_PAGES = {"drawings.report": "/reports"}

router = APIRouter(include_in_schema=False)


@router.get("/reports")
def reports(request: Request, desk: CallersDesk, ledger: Ledger) -> HTMLResponse:
    return page(request, PACKAGE, "reports.html", content.reports.listed(desk, ledger))


@router.post("/reports", status_code=202)
def write(ledger: Ledger, wanted: ReportPayload) -> dict[str, int]:
    """Write a report of all drawings, in the background."""
    return {"job_id": ledger.submit(content.reports.KIND, wanted).id}


@router.get("/reports/{uid}")
def report(desk: CallersDesk, ledger: Ledger, uid: Uid) -> StreamingResponse:
    """The report as a file; it shows drawings, so it is saved and never shown in place."""
    pieces = content.reports.pieces(desk, ledger, uid)
    headers = attachment(f"report_{uid[:8]}.html", "no-store")
    return StreamingResponse(pieces, media_type="text/html", headers=headers)
