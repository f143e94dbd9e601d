"""What a run says while it trains, for those who cannot use the socket (contract 1.7)."""

from typing import Annotated

from fastapi import APIRouter, Header, Request, Response
from fastapi.responses import StreamingResponse
from starlette.concurrency import run_in_threadpool

from deepmed.core.events.cursors import read_cursor
from deepmed.core.events.feed import feed_of
from deepmed.features.xray.answers import experiments, streaming
from deepmed.features.xray.messages.topic import RUNS
from deepmed.features.xray.pages.desk import CallersRuns
from deepmed.features.xray.routes.experiments import ExperimentId

router = APIRouter(prefix="/api/training", tags=["xray"])


@router.get(
    "/stream/{experiment_id}",
    response_class=StreamingResponse,
    responses={
        200: {"content": {"text/event-stream": {}}, "description": "Messages, one after another"},
        204: {"description": "The run has ended, and nothing is left to tell"},
    },
)
async def stream(
    request: Request,
    runs: CallersRuns,
    experiment_id: ExperimentId,
    last_event_id: Annotated[
        str | None, Header(description="Number of the last message that you have")
    ] = None,
) -> Response:
    """What a run says, from its first message or behind yours, until it has ended."""
    place = read_cursor(last_event_id) if last_event_id else -1
    run_id = await run_in_threadpool(experiments.number_of, runs, experiment_id)
    await run_in_threadpool(streaming.check, runs, run_id, place)
    all_told: bool = await run_in_threadpool(streaming.is_all, runs, run_id, place)
    if last_event_id and all_told:
        return Response(status_code=204)  # so that a browser does not come back
    return StreamingResponse(
        streaming.server_sent(feed_of(request, RUNS), runs, run_id, place),
        media_type="text/event-stream",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )
