"""Analyses: one, many, history, statistics, and the pictures that explain them (contract 2.2)."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from deepmed.core.jobs.dependencies import Ledger
from deepmed.features.drawings import answers
from deepmed.features.drawings.desk import CallersDesk
from deepmed.features.drawings.jobs import AnalyzePayload
from deepmed.features.drawings.routes.attachments import PICTURE, attached
from deepmed.features.drawings.schemas.analysis import (
    AnalysisHistoryResponse,
    AnalysisRequest,
    AnalysisResultResponse,
    AnalysisStatistics,
    BatchAccepted,
    BatchAnalysisRequest,
    BatchAnalysisResponse,
    EmbeddingResponse,
)
from deepmed.features.drawings.schemas.cohorts import CohortResponse, OutlookResponse
from deepmed.features.drawings.schemas.fields import ListedId, ObjectId, Text, Uid

router = APIRouter(prefix="/analysis", tags=["analysis"])

Explain = Annotated[
    bool, Query(description="Make the explanation where there is none yet; false answers faster")
]


@router.get("/stats")
def analysis_statistics(
    desk: CallersDesk,
    subject: Annotated[Text | None, Query(description="Only drawings of this subject")] = None,
) -> AnalysisStatistics:
    """Counts over the newest answer of each drawing."""
    return answers.analysis.statistics(desk, subject)


@router.post("/analyze/{drawing_id}")
def analyze_drawing(
    desk: CallersDesk,
    drawing_id: ObjectId,
    request: AnalysisRequest | None = None,  # noqa: ARG001 - what it may ask for is so anyway
    *,
    explain: Explain = True,
) -> AnalysisResultResponse:
    """Rank a drawing among the typical drawings of its age group, and explain its rank.

    The same drawing under the same models and rule has one answer: it is computed once, and
    `force_reanalysis` finds the same again.
    """
    return answers.analysis.analyze(desk, drawing_id, explain=explain)


@router.post("/batch")
def analyze_batch(
    desk: CallersDesk, ledger: Ledger, request: BatchAnalysisRequest
) -> BatchAccepted:
    """Analyse up to 100 drawings in the background; told beforehand is what could be selected."""
    answers.analysis.refuse_unknown(desk, request.drawing_ids)
    tracker = desk.analyses.tracker
    uid = tracker.create_batch(len(request.drawing_ids))
    with tracker.keeping_reason(uid):
        outlook = answers.cohorts.outlook(desk, request.drawing_ids)
    job = ledger.submit(
        "drawings.analyze", AnalyzePayload(drawing_ids=request.drawing_ids, batch=uid)
    )
    return BatchAccepted(
        batch_id=uid,
        total_drawings=len(request.drawing_ids),
        status="processing",
        progress_url=f"/api/v1/analysis/batch/{uid}/progress",
        job_id=job.id,
        outlook=outlook,
    )


@router.get("/batch/{batch_id}/progress")
def batch_progress(desk: CallersDesk, batch_id: Uid) -> BatchAnalysisResponse:
    return answers.analysis.batch(desk, batch_id)


@router.get("/batch/{batch_id}/cohort")
def batch_cohort(desk: CallersDesk, batch_id: Uid) -> CohortResponse:
    """The batch's children who are new to the models: one p each, and a q that changes no flag."""
    return answers.cohorts.cohort(desk, batch_id)


@router.get("/outlook")
def outlook(
    desk: CallersDesk,
    drawing_ids: Annotated[
        list[ListedId] | None,
        Query(max_length=100, description="Drawings to be looked at at once; all without any"),
    ] = None,
) -> OutlookResponse:
    """What looking at these drawings at once could select at best; nothing is analysed."""
    return OutlookResponse(outlook=answers.cohorts.outlook(desk, drawing_ids))


@router.get("/drawing/{drawing_id}")
def analysis_history(
    desk: CallersDesk, drawing_id: ObjectId, limit: Annotated[int, Query(ge=1, le=1000)] = 10
) -> AnalysisHistoryResponse:
    """The answers that a drawing was given, newest first."""
    return answers.analysis.history(desk, drawing_id, limit)


@router.post("/embeddings/{drawing_id}")
def embed_drawing(desk: CallersDesk, drawing_id: ObjectId) -> EmbeddingResponse:
    """Turn a drawing into a vector, unless it has one."""
    return answers.analysis.embed(desk, drawing_id)


@router.get("/{analysis_id}")
def get_analysis(desk: CallersDesk, analysis_id: ObjectId) -> AnalysisResultResponse:
    """A stored answer, as it was given."""
    return answers.analysis.stored(desk, analysis_id)


@router.get("/{analysis_id}/overlay.png", response_class=Response, responses=PICTURE)
def get_overlay(desk: CallersDesk, analysis_id: ObjectId) -> Response:
    """The drawing with its heat map."""
    return attached(answers.pictures.overlay(desk, analysis_id), f"overlay_{analysis_id}.png")


@router.get("/{analysis_id}/saliency.png", response_class=Response, responses=PICTURE)
def get_saliency(desk: CallersDesk, analysis_id: ObjectId) -> Response:
    """The heat map alone, transparent where it is low, to be laid over the drawing."""
    return attached(
        answers.pictures.saliency_layer(desk, analysis_id), f"saliency_{analysis_id}.png"
    )


@router.get("/{analysis_id}/saliency.json", response_class=Response)
def get_saliency_data(desk: CallersDesk, analysis_id: ObjectId) -> Response:
    """The values that the heat map is drawn from."""
    content = answers.pictures.saliency_data(desk, analysis_id)
    return attached(content, f"saliency_{analysis_id}.json", "application/json")
