"""The addresses of the X-rays' pages."""

from typing import Annotated, Literal

from fastapi import APIRouter, File, Path, Query, Request, UploadFile
from starlette.responses import FileResponse, HTMLResponse, RedirectResponse, Response

from deepmed.features.xray.pages import content, results_routes
from deepmed.features.xray.pages.desk import PACKAGE, CallersRuns
from deepmed.features.xray.pages.wanted import Begun, Judged, Received, Told, TrainingWanted
from deepmed.features.xray.uploads.received import receive_archive
from deepmed.kit.http.attachments import table_file
from deepmed.web.shell import Entry, page

NAVIGATION = (Entry("X-rays", "/xrays"),)
JOB_PAGES = {"xray.train": "/xrays/jobs/{id}", "xray.federated": "/xrays/jobs/{id}"}
"""Where what comes of a kind of job is shown."""

Uid = Annotated[str, Path(pattern="^[0-9a-f]{32}$")]
Key = Annotated[str, Path(max_length=40)]
FileForm = Literal["csv", "json"]
Kept = {"Cache-Control": "private, max-age=3600"}

router = APIRouter(include_in_schema=False)
router.include_router(results_routes.router)


@router.get("/xrays")
def xrays(
    request: Request, runs: CallersRuns, before: Annotated[int | None, Query(ge=0, le=10**6)] = None
) -> HTMLResponse:
    return page(request, PACKAGE, "xrays.html", content.trainings.listed(runs, before))


@router.post("/xrays/sources", status_code=201)
def upload(runs: CallersRuns, data_zip: Annotated[UploadFile, File()]) -> Received:
    """Take a ZIP in; nothing is trained before somebody has seen what lies in it."""
    return Received(uid=receive_archive(runs.home, data_zip.filename, data_zip.file).uid)


@router.get("/xrays/sources/{uid}")
def source(request: Request, runs: CallersRuns, uid: Uid) -> HTMLResponse:
    return page(request, PACKAGE, "source.html", content.sources.one(runs, uid))


@router.delete("/xrays/sources/{uid}", status_code=204)
def delete_source(runs: CallersRuns, uid: Uid) -> None:
    """Trainings that have ended keep their own copies of its images."""
    content.sources.delete(runs, uid)


@router.get("/xrays/sources/{uid}/look")
def look(request: Request, runs: CallersRuns, uid: Uid) -> HTMLResponse:
    """What lies in it, with its columns called as the form says; a large ZIP takes a moment."""
    shown = content.sources.look(runs, uid, dict(request.query_params))
    return page(request, PACKAGE, "look_part.html", shown)


@router.get("/xrays/sources/{uid}/images/{number}")
def source_image(
    runs: CallersRuns, uid: Uid, number: Annotated[int, Path(ge=0, le=999)]
) -> FileResponse:
    return FileResponse(
        content.pictures.of_upload(runs, uid, number), headers={"Cache-Control": "no-store"}
    )


@router.get("/xrays/sources/{uid}/augmentation")
def source_augmentation(request: Request, runs: CallersRuns, uid: Uid) -> HTMLResponse:
    """What training would see of its images; the first time the learning library is loaded."""
    shown = content.pictures.augmentation_of_upload(
        runs, uid, *content.sources.asked(request.query_params)
    )
    return page(request, PACKAGE, "augmentation_part.html", shown)


@router.post("/xrays/sources/{uid}/train", status_code=202)
def train(runs: CallersRuns, uid: Uid, wanted: TrainingWanted) -> Begun:
    return Begun(run_id=content.sources.train(runs, uid, wanted))


@router.get("/xrays/jobs/{job_id}")
def run_of_job(runs: CallersRuns, job_id: int) -> RedirectResponse:
    """To the training that a job sees to."""
    return RedirectResponse(f"/xrays/runs/{content.trainings.run_of_job(runs, job_id)}", 303)


@router.get("/xrays/runs/{run_id}")
def run(request: Request, runs: CallersRuns, run_id: int) -> HTMLResponse:
    return page(request, PACKAGE, "run.html", content.training.content(runs, run_id))


@router.get("/xrays/runs/{run_id}/part")
def run_part(request: Request, runs: CallersRuns, run_id: int) -> HTMLResponse:
    """The training alone, to be put in place of an older picture of it."""
    return page(request, PACKAGE, "run_part.html", content.training.content(runs, run_id))


@router.get("/xrays/runs/{run_id}/curves/{key}.{form}")
def curve(runs: CallersRuns, run_id: int, key: Key, form: FileForm) -> Response:
    """All points of a curve, as a file."""
    return table_file(content.training.file(runs, run_id, key, form), f"run_{run_id}_{key}", form)


@router.get("/xrays/runs/{run_id}/delete")
def delete(request: Request, runs: CallersRuns, run_id: int) -> HTMLResponse:
    """What would go, and the form that asks for the words."""
    return page(request, PACKAGE, "delete_run.html", content.training.deletion(runs, run_id))


@router.get("/xrays/runs/{run_id}/data")
def data(request: Request, runs: CallersRuns, run_id: int) -> HTMLResponse:
    return page(request, PACKAGE, "data.html", content.data.content(runs, run_id))


@router.get("/xrays/runs/{run_id}/rejections.{form}")
def rejections(runs: CallersRuns, run_id: int, form: FileForm) -> Response:
    """Every file and row that is not used, as a file."""
    return table_file(content.data.rejections(runs, run_id, form), f"run_{run_id}_rejections", form)


@router.get("/xrays/runs/{run_id}/images/{digest}")
def image(
    runs: CallersRuns, run_id: int, digest: Annotated[str, Path(pattern="^[0-9a-f]{64}$")]
) -> Response:
    """A small picture of an image; the same address is always the same pixels."""
    return Response(
        content.pictures.of_run(runs, run_id, digest), media_type="image/png", headers=Kept
    )


@router.post("/xrays/runs/{run_id}/lookalikes")
def judge(runs: CallersRuns, run_id: int, judged: Judged) -> Told:
    answers = {number: answer or "" for number, answer in judged.pairs.items()}
    return Told(message=content.lookalikes.judge(runs, run_id, answers))


@router.get("/xrays/runs/{run_id}/augmentation")
def augmentation(request: Request, runs: CallersRuns, run_id: int) -> HTMLResponse:
    """What training would see of the run's images."""
    shown = content.pictures.augmentation_of_run(
        runs, run_id, *content.sources.asked(request.query_params)
    )
    return page(request, PACKAGE, "augmentation_part.html", shown)


@router.get("/xrays/runs/{run_id}/again")
def again(request: Request, runs: CallersRuns, run_id: int) -> HTMLResponse:
    return page(request, PACKAGE, "source.html", content.sources.again(runs, run_id))


@router.post("/xrays/runs/{run_id}/again", status_code=202)
def train_again(runs: CallersRuns, run_id: int, wanted: TrainingWanted) -> Begun:
    return Begun(run_id=content.sources.train_again(runs, run_id, wanted))
