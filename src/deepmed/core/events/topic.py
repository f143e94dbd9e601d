"""What can be listened to: jobs, trainings, and whatever else numbers what it says."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from sqlalchemy.orm import Session


class Topic(Protocol):
    """Things of an owner's that each say something, numbered without a gap.

    A place is the number of the last event that somebody has. A thing's events are numbered in
    the order of their commits.

    Attributes:
        parameter: how an address names the things to listen to.
    """

    @property
    def parameter(self) -> str: ...

    def places(self, text: str) -> dict[int, int]:
        """What the parameter says: the place of each thing.

        Raises:
            ValidationError: it cannot be read.
        """

    def check(self, session: Session, owner_id: int, places: Mapping[int, int]) -> None:
        """See that the things are this owner's, and have come that far.

        Raises:
            NotFoundError: there is none of this owner.
            ValidationError: there was no event of that number.
        """

    def heads(self, session: Session, ids: Collection[int]) -> dict[int, int]:
        """The number of each thing's last event."""

    def changed(self, session: Session, owner_id: int, since: datetime) -> dict[int, int]:
        """The last event's number of each thing of the owner's that may have said something."""

    def last_before(self, session: Session, thing: int, moment: datetime) -> int:
        """The number of the thing's last event before a moment."""

    def events(self, session: Session, thing: int, after: int, limit: int) -> Sequence[Any]:
        """Events with a `sequence` after that number, in order."""

    def text(self, event: Any) -> str:
        """An event as it goes over the wire, in JSON."""
