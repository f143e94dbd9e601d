"""The addresses of the X-rays' pages."""

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse

from deepmed.features.xray.pages import results_routes
from deepmed.features.xray.pages.content import trainings
from deepmed.features.xray.pages.desk import PACKAGE, CallersRuns
from deepmed.web.shell import Entry, page

NAVIGATION = (Entry("X-rays", "/xrays"),)

router = APIRouter(include_in_schema=False)
router.include_router(results_routes.router)


@router.get("/xrays")
def xrays(request: Request, runs: CallersRuns) -> HTMLResponse:
    return page(request, PACKAGE, "xrays.html", trainings.listed(runs))
