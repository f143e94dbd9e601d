"""What a page works with: its caller's trainings."""

from typing import Annotated

from fastapi import Depends
from starlette.requests import HTTPConnection

from deepmed.features.xray.runs.service import XrayRuns
from deepmed.kit.http.caller import caller_of

PACKAGE = "deepmed.features.xray"


def runs_of(connection: HTTPConnection) -> XrayRuns:
    """The trainings of whoever asks."""
    state = connection.app.state
    return XrayRuns.of(state.home.for_owner(caller_of(connection).owner_id), state.kinds)


CallersRuns = Annotated[XrayRuns, Depends(runs_of)]
"""What routes ask for."""
