"""The addresses of the drawings' pages."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request
from starlette.responses import HTMLResponse, Response

from deepmed.core.jobs.dependencies import Ledger
from deepmed.core.jobs.dependencies import ledger as ledger_of
from deepmed.features.drawings.desk import CallersDesk, desk_of
from deepmed.features.drawings.jobs import AnalyzePayload
from deepmed.features.drawings.pages import content, reports, together, trainings
from deepmed.kit.http.attachments import table_file
from deepmed.web.shell import Entry, page

PACKAGE = "deepmed.features.drawings"
NAVIGATION = (
    Entry("Drawings", "/drawings"),
    Entry("Models", "/models"),
    Entry("Batches", "/batches"),
    Entry("Thresholds", "/thresholds"),
    reports.ENTRY,
    trainings.ENTRY,
    Entry("Encoders", "/encoders", "Research"),
)

JOB_PAGES = {
    "drawings.train": "/models/training/{uid}",
    "drawings.import": "/drawings",
    "drawings.analyze": ("/batches/{batch_id}", "/batches/{batch}"),
    "drawings.reembed": "/encoders",
    "drawings.compare_encoders": "/encoders",
    **trainings.JOB_PAGES,
    **reports.JOB_PAGES,
}
"""Where what came of a kind of job is shown."""

router = APIRouter(include_in_schema=False)
router.include_router(together.router)
router.include_router(trainings.router)
router.include_router(reports.router)


def dashboard(request: Request) -> HTMLResponse:
    """The page at `/`; the composition root's own route asks for it."""
    shown = content.dashboard.content(
        desk_of(request), ledger_of(request), request.app.state.health
    )
    return page(request, PACKAGE, "dashboard.html", shown)


@router.get("/drawings")
def gallery(  # noqa: PLR0917 - query parameters, sent by their names
    request: Request,
    desk: CallersDesk,
    age_min: str = "",
    age_max: str = "",
    subject: str = "",
    label: str = "",
    flagged: str = "",
    child: str = "",
    sort: str = "-upload_timestamp",
    number: Annotated[int, Query(alias="page")] = 1,
) -> HTMLResponse:
    wanted = content.gallery.Wanted(age_min, age_max, subject, label, flagged, child, sort, number)
    return page(request, PACKAGE, "gallery.html", content.gallery.content(desk, wanted))


@router.post("/drawings/analyze", status_code=202)
def analyse_all(ledger: Ledger) -> dict[str, int]:
    """Compare all drawings with the models in use, in the background.

    Sent by script: a form's own request names no origin under our referrer policy, so the server
    would refuse it.
    """
    job = ledger.submit("drawings.analyze", AnalyzePayload(drawing_ids=None, batch=None))
    return {"job_id": job.id}


@router.get("/drawings/upload")
def upload(request: Request, desk: CallersDesk) -> HTMLResponse:
    return page(request, PACKAGE, "upload.html", content.upload.content(desk))


@router.get("/drawings/{drawing_id}")
def drawing(request: Request, desk: CallersDesk, drawing_id: int, reader: str = "") -> HTMLResponse:
    """A drawing; the address keeps for whom the explanation is written."""
    return page(request, PACKAGE, "drawing.html", content.drawing.content(desk, drawing_id, reader))


@router.get("/drawings/{drawing_id}/why")
def why(request: Request, desk: CallersDesk, drawing_id: int, reader: str = "") -> HTMLResponse:
    """The explanation alone: making the first one of a drawing takes a moment."""
    return page(request, PACKAGE, "why_answer.html", content.drawing.why(desk, drawing_id, reader))


@router.get("/drawings/{drawing_id}/attention")
def attention(request: Request, desk: CallersDesk, drawing_id: int) -> HTMLResponse:
    """Where the encoder looked; a transformer looks once more for it, which takes a moment."""
    shown = content.attention.content(desk, drawing_id)
    return page(request, PACKAGE, "attention_part.html", shown)


@router.get("/drawings/{drawing_id}/compare")
def compare(request: Request, desk: CallersDesk, drawing_id: int) -> HTMLResponse:
    """The drawings beside it alone: the search through all vectors takes a moment."""
    return page(request, PACKAGE, "compare_part.html", content.compare.content(desk, drawing_id))


@router.get("/drawings/{drawing_id}/delete")
def delete(request: Request, desk: CallersDesk, drawing_id: int) -> HTMLResponse:
    """What would go, and the form that asks for the words."""
    return page(request, PACKAGE, "delete.html", content.drawing.deletion(desk, drawing_id))


@router.get("/models")
def models(request: Request, desk: CallersDesk, ledger: Ledger) -> HTMLResponse:
    return page(request, PACKAGE, "models.html", content.models.content(desk, ledger))


@router.get("/models/{model_id}")
def model(request: Request, desk: CallersDesk, model_id: int) -> HTMLResponse:
    return page(request, PACKAGE, "model.html", content.models.one(desk, model_id))


@router.get("/models/training/{uid}")
def training(request: Request, ledger: Ledger, uid: str) -> HTMLResponse:
    return page(request, PACKAGE, "training.html", content.training.content(ledger, uid))


@router.get("/models/training/{uid}/part")
def training_part(request: Request, ledger: Ledger, uid: str) -> HTMLResponse:
    """The training alone, to be put in place of an older picture of it."""
    return page(request, PACKAGE, "training_part.html", content.training.content(ledger, uid))


@router.get("/models/training/{uid}/losses.{form}")
def losses(ledger: Ledger, uid: str, form: Literal["csv", "json"]) -> Response:
    """Every epoch, as a file."""
    return table_file(content.training.losses(ledger, uid, form), "losses", form)


@router.get("/encoders")
def encoders(request: Request, desk: CallersDesk, ledger: Ledger) -> HTMLResponse:
    return page(request, PACKAGE, "encoders.html", content.encoders.content(desk, ledger))


@router.get("/thresholds")
def thresholds(request: Request, desk: CallersDesk) -> HTMLResponse:
    return page(request, PACKAGE, "thresholds.html", content.thresholds.content(desk))


@router.get("/thresholds/preview")
def preview(
    request: Request, desk: CallersDesk, percentile: Annotated[float, Query(ge=50, le=99.9)]
) -> HTMLResponse:
    """What a percentile would do, to be put in place of another one's effects."""
    return page(request, PACKAGE, "effects_part.html", content.thresholds.preview(desk, percentile))
