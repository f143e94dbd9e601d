"""Runs: list them, look at one, take its numbers along, sum all up (contract 1.3)."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Response

from deepmed.features.xray.answers import analytics, downloads, rounds
from deepmed.features.xray.answers import runs as answers
from deepmed.features.xray.overview.repository import Wanted
from deepmed.features.xray.pages.desk import CallersRuns
from deepmed.features.xray.schemas.fields import Mode, Status
from deepmed.features.xray.schemas.runs import (
    AnalyticsSummary,
    BackfillAnswer,
    FederatedRounds,
    RunClientMetrics,
    RunList,
    RunMetrics,
    ServerEvaluations,
    SortKey,
    SortOrder,
)

router = APIRouter(prefix="/api/runs", tags=["xray"])

OfMode = Annotated[Mode | None, Query(description="Centralized runs alone, or federated ones")]
RunId = Annotated[int, Path(description="The run")]


def _file(kind: str, text: str) -> dict[int | str, dict[str, Any]]:
    return {200: {"content": {kind: {}}, "description": text}}


@router.get("/list")
def list_runs(  # noqa: PLR0917 - the parameters of the contract
    runs: CallersRuns,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    offset: Annotated[
        int, Query(ge=0, le=2**31 - 1, description="How many of them to pass over")
    ] = 0,
    status: Status | None = None,
    training_mode: OfMode = None,
    sort_by: Annotated[
        SortKey, Query(description="By what they are sorted; those without it come last")
    ] = "start_time",
    sort_order: Annotated[SortOrder, Query(description="Up or down")] = "desc",
) -> RunList:
    """The newest first, unless asked otherwise."""
    return answers.listed(
        runs,
        Wanted(status, training_mode),
        sort_by=sort_by,
        descending=sort_order == "desc",
        limit=limit,
        offset=offset,
    )


@router.get("/analytics/summary")
def analytics_summary(
    runs: CallersRuns,
    status: Status | None = "completed",
    training_mode: OfMode = None,
    days: Annotated[
        int | None, Query(ge=1, le=36_500, description="Those alone that began in so many days")
    ] = None,
) -> AnalyticsSummary:
    """What all runs of the caller came to on validation."""
    return analytics.summary(runs, status, training_mode, days)


@router.get("/{run_id}/metrics")
def metrics(runs: CallersRuns, run_id: RunId) -> RunMetrics:
    """Its epochs or rounds, and its figures on patients that it never saw."""
    return answers.metrics(runs, run_id)


@router.get("/{run_id}/federated-rounds")
def federated_rounds(runs: CallersRuns, run_id: RunId) -> FederatedRounds:
    """What the common model came to after each round."""
    return rounds.rounds(runs, run_id)


@router.get("/{run_id}/server-evaluation")
def server_evaluation(runs: CallersRuns, run_id: RunId) -> ServerEvaluations:
    """The same with confusion matrices, the model at first included."""
    return rounds.server_evaluations(runs, run_id)


@router.get("/{run_id}/client-metrics")
def client_metrics(runs: CallersRuns, run_id: RunId) -> RunClientMetrics:
    """What each holder of images measured in its rounds."""
    return rounds.client_metrics(runs, run_id)


@router.get(
    "/{run_id}/download/csv",
    response_class=Response,
    responses=_file("text/csv", "One row an epoch or round"),
)
def download_csv(runs: CallersRuns, run_id: RunId) -> Response:
    """Its epochs or rounds as a table."""
    return downloads.epochs_csv(runs, run_id)


@router.get(
    "/{run_id}/download/json",
    response_class=Response,
    responses=_file("application/json", "Metrics, figures and all epochs"),
)
def download_json(runs: CallersRuns, run_id: RunId) -> Response:
    """Its metrics and every epoch as a file."""
    return downloads.everything_json(runs, run_id)


@router.get(
    "/{run_id}/download/summary",
    response_class=Response,
    responses=_file("text/plain", "The run in words"),
)
def download_summary(runs: CallersRuns, run_id: RunId) -> Response:
    """The run in words."""
    return downloads.summary_text(runs, run_id)


@router.post("/backfill/{run_id}/server-evaluations")
def backfill(runs: CallersRuns, run_id: RunId) -> BackfillAnswer:
    """Whether each round has its evaluation: they are stored in the same moment."""
    return rounds.backfill(runs, run_id)
