"""What is told of encoders and their vectors."""

from dataclasses import asdict

from deepmed.core.jobs.ledger import JobLedger
from deepmed.features.drawings.desk import Desk
from deepmed.features.drawings.encoders import names
from deepmed.features.drawings.encoders import stored as vectors
from deepmed.features.drawings.encoders.jobs import (
    COMPARE,
    REEMBED,
    ComparePayload,
    ReembedPayload,
)
from deepmed.features.drawings.schemas.encoders import (
    CompareRequest,
    ComparisonState,
    EmbedAllRequest,
    EmbeddingsResponse,
    JobAccepted,
    StoredVectorsResponse,
    VectorsDeleted,
    comparison,
)

LOOKED_BACK = 20
"""Comparisons among which the newest finished one is looked for."""


def stored(desk: Desk) -> EmbeddingsResponse:
    with desk.bench.database.read() as session:
        return EmbeddingsResponse(
            vectors=[
                StoredVectorsResponse.model_validate(asdict(one))
                for one in vectors.stored(desk.bench, session)
            ],
            missing=vectors.missing(desk.bench, session),
            offered=names.offered(desk.bench.settings),
        )


def embed_all(desk: Desk, ledger: JobLedger, request: EmbedAllRequest) -> JobAccepted:
    """Raises ValidationError where the encoder may not be asked for."""
    settings = desk.home.settings
    if request.encoder is not None:
        names.checked(request.encoder, settings)
    job = ledger.submit(REEMBED, ReembedPayload(encoder=request.encoder, all=request.all))
    return JobAccepted(
        job_id=job.id,
        encoder=request.encoder or settings.encoder,
        progress_url=f"/api/v1/jobs/{job.id}",
    )


def delete(desk: Desk, encoder: str) -> VectorsDeleted:
    return VectorsDeleted(encoder=encoder, deleted=vectors.delete(desk.bench, encoder))


def compare(desk: Desk, ledger: JobLedger, request: CompareRequest) -> JobAccepted:
    """Raises ValidationError where an encoder may not be asked for."""
    for name in request.encoders or ():
        names.checked(name, desk.home.settings)
    job = ledger.submit(COMPARE, ComparePayload(encoders=request.encoders, seed=request.seed))
    return JobAccepted(
        job_id=job.id,
        encoder=desk.home.settings.encoder,
        progress_url=f"/api/v1/jobs/{job.id}",
    )


def newest_comparison(desk: Desk, ledger: JobLedger) -> ComparisonState:
    with desk.home.database.read() as session:
        jobs = ledger.list(session, kind=COMPARE, limit=LOOKED_BACK)
    done = next((job for job in jobs if job.state == "succeeded" and job.result), None)
    return ComparisonState(
        job_id=jobs[0].id if jobs else None,
        state=jobs[0].state if jobs else None,
        result=comparison(done.result) if done and done.result else None,
    )
