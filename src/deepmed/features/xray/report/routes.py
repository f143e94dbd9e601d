"""Reports and comparisons (contract 1.5, and ours below `/api/v1`)."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, File, Form, Path, Query, Response, UploadFile
from starlette.requests import HTTPConnection

from deepmed.core.home import Home
from deepmed.features.xray.report import answers
from deepmed.features.xray.report.rendering import MEDIA_TYPES
from deepmed.features.xray.report.rendering import Form as ReportForm
from deepmed.features.xray.report.schemas import BatchReport, RunComparison, SingleReport
from deepmed.kit.http.caller import caller_of
from deepmed.kit.sizes import MIB

router = APIRouter(tags=["reports"])
MOST_APPENDED = 20
MOST_FIELD_BYTES = 16 * MIB
"""Of a form's text. The answer of 500 images in JSON has some two MiB; usual is a limit of one."""


def home_of(connection: HTTPConnection) -> Home:
    """The data of whoever asks."""
    home: Home = connection.app.state.home.for_owner(caller_of(connection).owner_id)
    return home


CallersHome = Annotated[Home, Depends(home_of)]
Film = Annotated[UploadFile, File(description="One image: PNG, JPEG, BMP, TIFF or DICOM")]
Films = Annotated[list[UploadFile], File(description="Images; the first are asked about again")]
Results = Annotated[str, Form(description="JSON: the `results` of predict-batch")]
Summary = Annotated[str, Form(description="JSON: the `summary` of predict-batch")]
Paper: dict[int | str, dict[str, Any]] = {
    200: {"content": {"application/pdf": {}}, "description": "The report"}
}
Either: dict[int | str, dict[str, Any]] = {
    200: {"content": {kind: {} for kind in MEDIA_TYPES.values()}, "description": "The report"}
}


@router.get("/api/v1/xray/runs/{run_id}/report.{form}", response_class=Response, responses=Either)
def run_report(
    home: CallersHome,
    run_id: Annotated[int, Path(description="The run")],
    form: Annotated[ReportForm, Path(description="For paper, or as a page")],
) -> Response:
    """What a run is worth, from its stored predictions, for paper or as a page."""
    return answers.report(home, run_id, form)


@router.get("/api/v1/xray/comparison")
def compare(
    home: CallersHome,
    run_ids: Annotated[list[int], Query(description="Two to eight; the first is the baseline")],
) -> RunComparison:
    """What each run has over the first, on the same patients, or why nothing can be said."""
    return answers.comparison(home, run_ids)


@router.post("/api/inference/report/single", response_class=Response, responses=Paper)
def image_report(
    home: CallersHome,
    file: Film,
    *,
    include_heatmap: Annotated[bool, Form(description="Draw and measure a Grad-CAM")] = True,
    include_clinical: Annotated[
        bool, Form(description="Without effect but for saying why there is none")
    ] = False,
) -> Response:
    """Ask about an image, and print the answer with what the model is worth."""
    return answers.image(home, file, heatmap=include_heatmap, clinical=include_clinical)


@router.post(
    "/api/inference/report/batch-summary",
    response_class=Response,
    responses=Paper,
    form_limits={"max_part_size": MOST_FIELD_BYTES},
)
def batch_summary_report(
    home: CallersHome, results_json: Results, summary_json: Summary
) -> Response:
    """Print answers that were had before, counted again."""
    return answers.batch_summary(home, results_json, summary_json)


@router.post(
    "/api/inference/report/batch-with-images",
    response_class=Response,
    responses=Paper,
    form_limits={"max_part_size": MOST_FIELD_BYTES},
)
def batch_report_with_images(  # noqa: PLR0917 - the contract's fields
    home: CallersHome,
    files: Films,
    results_json: Results,
    summary_json: Summary,
    include_heatmaps: Annotated[bool, Form(description="Draw a Grad-CAM of each")] = True,  # noqa: FBT002 - likewise
    max_appendix_images: Annotated[
        int, Form(ge=0, le=1000, description="So many are asked about again, 20 at most")
    ] = 10,
) -> Response:
    """Print answers that were had before, beside what the model says of the images now."""
    return answers.batch_with_images(
        home,
        files,
        results_json,
        summary_json,
        heatmaps=include_heatmaps,
        most=min(max_appendix_images, MOST_APPENDED),
    )


@router.post("/api/reports/single", response_class=Response, responses=Paper)
def sent_report(home: CallersHome, body: SingleReport) -> Response:
    """Print an answer as it is sent, with what was checked of it."""
    return answers.single(home, body)


@router.post("/api/reports/batch", response_class=Response, responses=Paper)
def sent_batch_report(home: CallersHome, body: BatchReport) -> Response:
    """Print answers as they are sent, with the summary counted again."""
    return answers.batch(home, body, pictures=body.include_heatmaps)


@router.post("/api/reports/batch-with-heatmaps", response_class=Response, responses=Paper)
def sent_batch_report_with_pictures(home: CallersHome, body: BatchReport) -> Response:
    """The same with the pictures that were sent, whatever `include_heatmaps` says."""
    return answers.batch(home, body, pictures=True)
