"""Jobs as what can be listened to."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from deepmed.core.events.cursors import read_cursors
from deepmed.core.events.topic import Topic
from deepmed.core.jobs import repository
from deepmed.core.jobs.schemas import Envelope
from deepmed.core.jobs.tables import JobEvent
from deepmed.kit.errors import NotFoundError, ValidationError
from deepmed.kit.ids import LARGEST_ID


class JobTopic:
    """`after=ID:NUMBER,…` names jobs and the last event that one has of each; 0 for none."""

    parameter = "after"

    @staticmethod
    def places(text: str) -> dict[int, int]:
        return read_cursors(text)

    @staticmethod
    def check(session: Session, owner_id: int, places: Mapping[int, int]) -> None:
        for job_id, place in places.items():
            possible = 0 < job_id <= LARGEST_ID
            job = repository.find(session, owner_id, job_id) if possible else None
            if job is None:
                raise NotFoundError(f"There is no job {job_id}.")
            if not 0 <= place <= job.last_sequence:
                raise ValidationError(
                    f"Job {job_id} has events 1 to {job.last_sequence}; there is none to go on "
                    f"from at {place}. Begin at 0, or at the last one that you have."
                )

    @staticmethod
    def heads(session: Session, ids: Collection[int]) -> dict[int, int]:
        return repository.heads(session, ids)

    @staticmethod
    def changed(session: Session, owner_id: int, since: datetime) -> dict[int, int]:
        return repository.changed(session, owner_id, since)

    @staticmethod
    def last_before(session: Session, thing: int, moment: datetime) -> int:
        return repository.last_before(session, thing, moment)

    @staticmethod
    def events(session: Session, thing: int, after: int, limit: int) -> Sequence[JobEvent]:
        return repository.events(session, thing, after, limit)

    @staticmethod
    def text(event: JobEvent) -> str:
        return Envelope.of(event).model_dump_json()


JOBS = JobTopic()
TOPICS: tuple[Topic, ...] = (JOBS,)
