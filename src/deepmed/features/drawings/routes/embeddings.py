"""Vectors of all drawings: made by a job, listed by encoder, deleted on request."""

from typing import Annotated

from fastapi import APIRouter, Query

from deepmed.core.jobs.dependencies import Ledger
from deepmed.features.drawings import answers
from deepmed.features.drawings.desk import CallersDesk
from deepmed.features.drawings.schemas.encoders import (
    NAME_LENGTH,
    EmbedAllRequest,
    EmbeddingsResponse,
    JobAccepted,
    VectorsDeleted,
)

router = APIRouter(prefix="/analysis/embeddings", tags=["analysis"])


@router.get("")
def list_embeddings(desk: CallersDesk) -> EmbeddingsResponse:
    """How many drawings each encoder has embedded, and which models take its vectors."""
    found: EmbeddingsResponse = answers.encoders.stored(desk)
    return found


@router.post("", status_code=202)
def embed_all(
    desk: CallersDesk, ledger: Ledger, request: EmbedAllRequest | None = None
) -> JobAccepted:
    """Embed drawings in the background with the present encoder, or with another one.

    Vectors of other encoders are kept until they are deleted. A job that was cancelled or stopped
    goes on where it was when it is tried again.
    """
    return answers.encoders.embed_all(desk, ledger, request or EmbedAllRequest())


@router.delete("")
def delete_embeddings(
    desk: CallersDesk, encoder: Annotated[str, Query(min_length=1, max_length=NAME_LENGTH)]
) -> VectorsDeleted:
    """Delete the vectors of an earlier encoder, by its whole identity."""
    return answers.encoders.delete(desk, encoder)
