"""Single images: predictions, heat maps, and which run answers (contract 1.4)."""

from collections.abc import Callable
from functools import partial
from typing import Annotated

from anyio import from_thread
from fastapi import APIRouter, Depends, File, Query, UploadFile
from starlette.requests import HTTPConnection, Request

from deepmed.features.xray.inference import answers
from deepmed.features.xray.inference.schemas import (
    BatchResponse,
    ColourMap,
    InferenceHealth,
    InferenceResponse,
    MapBatch,
    MapItem,
    Method,
    PredictedImage,
    ServingChoice,
    ServingWanted,
)
from deepmed.features.xray.inference.service import MapWanted, XrayInference
from deepmed.kit.http.caller import caller_of

router = APIRouter(tags=["inference"])


def inference_of(connection: HTTPConnection) -> XrayInference:
    """The runs of whoever asks."""
    owner = caller_of(connection).owner_id
    return XrayInference.of(connection.app.state.home.for_owner(owner))


def gone_of(request: Request) -> Callable[[], bool]:
    """For handlers, which run in threads: whether nobody waits for the answer any more."""
    return partial(from_thread.run, request.is_disconnected)


CallersInference = Annotated[XrayInference, Depends(inference_of)]
Gone = Annotated[Callable[[], bool], Depends(gone_of)]
Film = Annotated[UploadFile, File(description="One image: PNG, JPEG, BMP, TIFF or DICOM")]
Films = Annotated[list[UploadFile], File(description="At most 500 images")]
RunId = Annotated[int | None, Query(description="Whose model answers; the served one when unset")]
Ignored = Annotated[bool, Query(description="Without effect: it is null, see `reasons`")]
ChosenMethod = Annotated[Method, Query(description="How the map is made")]
ChosenColours = Annotated[ColourMap, Query(description="Colours of the map, from low to high")]
Alpha = Annotated[float, Query(ge=0.1, le=0.9, description="How much the largest value covers")]
Measured = Annotated[
    bool, Query(description="Measure how faithful the map is, which takes most of the time")
]


def map_wanted(
    method: ChosenMethod = "grad_cam",
    colormap: ChosenColours = "viridis",
    alpha: Alpha = 0.4,
) -> MapWanted:
    return MapWanted(method, colormap, alpha)


Wanted = Annotated[MapWanted, Depends(map_wanted)]


@router.get("/api/inference/health")
def inference_health(inference: CallersInference) -> InferenceHealth:
    """Whether there is a model that can answer; nothing is loaded for it."""
    return answers.health(inference)


@router.post("/api/inference/predict")
def predict(
    inference: CallersInference,
    file: Film,
    run_id: RunId = None,
    *,
    include_clinical_interpretation: Ignored = False,  # noqa: ARG001 - the contract's
    include_heatmap: Annotated[bool, Query(description="Draw a Grad-CAM as well")] = False,
) -> InferenceResponse:
    """The calibrated probability of an image, as it was tested, and whether it is an answer.

    Nothing of the image is stored.
    """
    wanted = MapWanted(measured=False) if include_heatmap else None
    return answers.predict(inference, run_id, file, wanted)


@router.post("/api/inference/predict-batch")
def predict_batch(
    inference: CallersInference,
    gone: Gone,
    files: Films,
    run_id: RunId = None,
    *,
    include_clinical_interpretation: Ignored = False,  # noqa: ARG001 - the contract's
) -> BatchResponse:
    """Many images, each answered for itself; what is wrong with one is told there.

    Two minutes are the most: what is not answered then says so.
    """
    return answers.predict_batch(inference, run_id, files, gone)


@router.post("/api/inference/heatmap")
def heatmap(
    inference: CallersInference,
    file: Film,
    wanted: Wanted,
    run_id: RunId = None,
    *,
    measure: Measured = True,
) -> MapItem:
    """Which places the decided class rests on, or why a map of them would mean nothing."""
    return answers.heat_map(inference, run_id, file, wanted.with_measure(measured=measure))


@router.post("/api/inference/heatmap-batch")
def heatmap_batch(
    inference: CallersInference,
    gone: Gone,
    files: Films,
    wanted: Wanted,
    run_id: RunId = None,
    *,
    measure: Measured = False,
) -> MapBatch:
    """Maps of many images; unless asked to, without measuring how faithful each is.

    Two minutes, and 64 MiB of pictures, are the most: what has no map then says so.
    """
    chosen = wanted.with_measure(measured=measure)
    return answers.heat_map_batch(inference, run_id, files, chosen, gone)


@router.post("/api/predict_image")
def predict_image(
    inference: CallersInference,
    input_file: Film,
    model_package: Annotated[
        UploadFile | None, File(description="Not taken: programs of others are not run")
    ] = None,
    run_id: RunId = None,
) -> PredictedImage:
    """The answer for one image in a sentence, and as numbers."""
    return answers.predict_image(inference, run_id, input_file, model_package)


@router.get("/api/v1/xray/served")
def served(inference: CallersInference) -> ServingChoice:
    """Which run answers where a request names none."""
    return answers.choice(inference)


@router.put("/api/v1/xray/served")
def serve(inference: CallersInference, wanted: ServingWanted) -> ServingChoice:
    """Choose which run answers where a request names none."""
    inference.choose(wanted.run_id)
    return answers.choice(inference)
