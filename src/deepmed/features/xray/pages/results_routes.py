"""Addresses of what a training came to, of comparisons, and of single images asked about."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, File, Form, Query, Request, UploadFile
from starlette.responses import HTMLResponse, Response

from deepmed.features.xray.pages import outcome
from deepmed.features.xray.pages.desk import PACKAGE, CallersRuns
from deepmed.features.xray.runs.reading import StoredRun
from deepmed.features.xray.runs.service import XrayRuns
from deepmed.kit.http.attachments import table_file
from deepmed.web.shell import page

router = APIRouter(include_in_schema=False)

Part = Literal["test", "validation"]


@router.get("/xrays/runs/{run_id}/results")
def results(request: Request, runs: CallersRuns, run_id: int, part: str = "") -> HTMLResponse:
    return _shown(request, "results.html", outcome.results.content(stored(runs, run_id), part))


@router.get("/xrays/runs/{run_id}/results/curves")
def curves(request: Request, runs: CallersRuns, run_id: int, part: Part) -> HTMLResponse:
    """What is counted from single predictions: the page asks for it when it is drawn already."""
    return _shown(
        request, "result_curves_part.html", outcome.predicted.curves(stored(runs, run_id), part)
    )


@router.get("/xrays/runs/{run_id}/results/slider")
def slider(request: Request, runs: CallersRuns, run_id: int) -> HTMLResponse:
    """The part of the page on which a threshold is moved."""
    return _shown(
        request, "result_slider_part.html", outcome.predicted.slider(stored(runs, run_id))
    )


@router.get("/xrays/runs/{run_id}/results/threshold")
def threshold(
    request: Request, runs: CallersRuns, run_id: int, at: Annotated[float, Query(ge=0, le=1)]
) -> HTMLResponse:
    """What another threshold would find on validation; nothing is changed by looking."""
    return _shown(
        request, "result_effects_part.html", outcome.predicted.at(stored(runs, run_id), at)
    )


@router.get("/xrays/runs/{run_id}/results/{name}.{form}")
def table(runs: CallersRuns, run_id: int, name: str, form: Literal["csv", "json"]) -> Response:
    """The whole data of a chart, or every stored prediction, as a file."""
    text = outcome.predicted.table(stored(runs, run_id), name, form)
    return table_file(text, f"run_{run_id}_{name}", form)


@router.get("/xrays/runs/{run_id}/rounds")
def rounds(request: Request, runs: CallersRuns, run_id: int) -> HTMLResponse:
    return _shown(request, "rounds.html", outcome.federated.content(stored(runs, run_id)))


@router.get("/xrays/runs/{run_id}/rounds/part")
def rounds_part(request: Request, runs: CallersRuns, run_id: int) -> HTMLResponse:
    """The rounds alone, to be put in place of an older picture of them."""
    return _shown(request, "rounds_part.html", outcome.federated.content(stored(runs, run_id)))


@router.get("/xrays/compare")
def compare(
    request: Request,
    runs: CallersRuns,
    chosen: Annotated[tuple[int, ...], Query(alias="runs")] = (),
) -> HTMLResponse:
    return _shown(request, "compare_runs.html", outcome.comparison.content(runs, chosen))


@router.get("/xrays/compare/part")
def compare_part(
    request: Request, runs: CallersRuns, chosen: Annotated[tuple[int, ...], Query(alias="runs")]
) -> HTMLResponse:
    """What the runs have over the first; drawing patients takes a moment."""
    return _shown(request, "compare_part.html", outcome.comparison.compared(runs, chosen))


@router.get("/xrays/predict")
def predict(request: Request, runs: CallersRuns, run: int | None = None) -> HTMLResponse:
    return _shown(request, "predict.html", outcome.prediction.content(runs, run))


@router.get("/xrays/predict/worth")
def worth(request: Request, runs: CallersRuns, run: int) -> HTMLResponse:
    """What the answers of another model are worth, when that is chosen."""
    return _shown(request, "worth_part.html", outcome.prediction.worth(stored(runs, run)))


@router.post("/xrays/predict")
def answer(
    request: Request,
    runs: CallersRuns,
    run: Annotated[int, Form()],
    file: Annotated[UploadFile, File()],
    method: Annotated[str, Form(max_length=40)] = "",
) -> HTMLResponse:
    """What the model says of an image; nothing of it is kept."""
    found = outcome.prediction.answer(runs, run, file.filename, file.file, method)
    return _shown(request, "answer_part.html", found)


def _shown(request: Request, template: str, found: dict[str, Any]) -> HTMLResponse:
    return page(request, PACKAGE, template, found)


def stored(runs: XrayRuns, run_id: int) -> StoredRun:
    """The caller's run of an address."""
    return StoredRun(runs.home, *runs.get(run_id))
