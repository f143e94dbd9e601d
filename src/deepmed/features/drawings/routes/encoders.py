"""Encoders compared on one's own drawings."""

from fastapi import APIRouter

from deepmed.core.jobs.dependencies import Ledger
from deepmed.features.drawings import answers
from deepmed.features.drawings.desk import CallersDesk
from deepmed.features.drawings.schemas.encoders import CompareRequest, ComparisonState, JobAccepted

router = APIRouter(prefix="/encoders", tags=["encoders"])


@router.post("/compare", status_code=202)
def compare_encoders(
    desk: CallersDesk, ledger: Ledger, request: CompareRequest | None = None
) -> JobAccepted:
    """Compare the present encoder with others in the background.

    Each encoder embeds what it has not embedded yet; its vectors are kept until they are deleted.
    """
    return answers.encoders.compare(desk, ledger, request or CompareRequest())


@router.get("/comparison")
def newest_comparison(desk: CallersDesk, ledger: Ledger) -> ComparisonState:
    """What the newest comparison came to."""
    return answers.encoders.newest_comparison(desk, ledger)
