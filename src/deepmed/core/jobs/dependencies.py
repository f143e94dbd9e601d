"""What routes ask for."""

from typing import Annotated

from fastapi import Depends
from starlette.requests import HTTPConnection

from deepmed.core.jobs.ledger import JobLedger
from deepmed.kit.http.caller import caller_of


def ledger(connection: HTTPConnection) -> JobLedger:
    """The ledger of whoever asks."""
    state = connection.app.state
    return JobLedger.of(state.home.for_owner(caller_of(connection).owner_id), state.kinds)


Ledger = Annotated[JobLedger, Depends(ledger)]
