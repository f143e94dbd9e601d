"""Addresses of pages that show several drawings together: a batch, or those of one child."""

from typing import Literal

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse, Response

from deepmed.features.drawings.desk import CallersDesk
from deepmed.features.drawings.pages import content
from deepmed.features.drawings.schemas.fields import ObjectId, Uid
from deepmed.kit.http.attachments import table_file
from deepmed.web.shell import page

PACKAGE = "deepmed.features.drawings"

router = APIRouter(include_in_schema=False)


@router.get("/children/{child_id}")
def child(request: Request, desk: CallersDesk, child_id: ObjectId) -> HTMLResponse:
    return page(request, PACKAGE, "child.html", content.ages.child(desk, child_id))


@router.get("/batches")
def batches(request: Request, desk: CallersDesk) -> HTMLResponse:
    return page(request, PACKAGE, "batches.html", content.batches.listed(desk))


@router.get("/batches/outlook")
def outlook(request: Request, desk: CallersDesk) -> HTMLResponse:
    """What looking at all drawings could select, told before anyone does."""
    return page(request, PACKAGE, "outlook_part.html", content.batches.outlook(desk))


@router.get("/batches/{batch_id}")
def batch(request: Request, desk: CallersDesk, batch_id: Uid) -> HTMLResponse:
    return page(request, PACKAGE, "batch.html", content.batches.one(desk, batch_id))


@router.get("/batches/{batch_id}/cohort")
def cohort(request: Request, desk: CallersDesk, batch_id: Uid) -> HTMLResponse:
    """The new children of a batch; of a large one it takes a moment."""
    return page(request, PACKAGE, "cohort_part.html", content.batches.cohort(desk, batch_id))


@router.get("/batches/{batch_id}/cohort.{form}")
def cohort_file(desk: CallersDesk, batch_id: Uid, form: Literal["csv", "json"]) -> Response:
    """Every child, as a file."""
    return table_file(content.batches.file(desk, batch_id, form), "cohort", form)
