"""Trainings on X-rays as what can be listened to (X-9, P-10)."""

import json
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from deepmed.core.events.cursors import read_cursors
from deepmed.features.xray.messages import repository
from deepmed.features.xray.messages.wire import message_of
from deepmed.features.xray.runs.repository import run_of
from deepmed.features.xray.tables import XrayRunEvent
from deepmed.kit.errors import NotFoundError, ValidationError
from deepmed.kit.ids import LARGEST_ID


class RunTopic:
    """`runs=ID:NUMBER,…` names runs and the first message that one wants of each; 0 begins anew.

    A run's messages count from 0, so that this is also how many of them one has already.
    """

    parameter = "runs"

    @staticmethod
    def places(text: str) -> dict[int, int]:
        """As the address says them; a run without a number is told from its beginning.

        >>> RunTopic.places("7:12,9")
        {7: 11, 9: -1}
        """
        parts = [part if ":" in part else f"{part}:0" for part in text.split(",")]
        return {run: first - 1 for run, first in read_cursors(",".join(parts)).items()}

    @staticmethod
    def check(session: Session, owner_id: int, places: Mapping[int, int]) -> None:
        for run_id, place in places.items():
            if not 0 < run_id <= LARGEST_ID:
                raise NotFoundError(f"There is no run {run_id}.")
            run_of(session, owner_id, run_id)
            head = repository.heads(session, [run_id]).get(run_id, -1)
            if place > head:
                raise ValidationError(
                    f"Run {run_id} has said {head + 1} messages; there is none to go on from at "
                    f"{place + 1}. Begin at 0, or behind the last one that you have."
                )

    @staticmethod
    def heads(session: Session, ids: Collection[int]) -> dict[int, int]:
        return repository.heads(session, ids)

    @staticmethod
    def changed(session: Session, owner_id: int, since: datetime) -> dict[int, int]:
        return repository.changed(session, owner_id, since)

    @staticmethod
    def last_before(session: Session, thing: int, moment: datetime) -> int:
        return repository.last_before(session, thing, moment.isoformat())

    @staticmethod
    def events(session: Session, thing: int, after: int, limit: int) -> Sequence[XrayRunEvent]:
        return repository.events(session, thing, after + 1, limit)

    @staticmethod
    def text(event: XrayRunEvent) -> str:
        return json.dumps(message_of(event), allow_nan=False)


RUNS = RunTopic()
