"""What a training says while it runs: one stream for files, database and socket alike."""

import math
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

EVENT_TYPES = (
    "training_start",
    "epoch_start",
    "epoch_end",
    "training_end",
    "training_mode",
    "round_metrics",
    "round_end",
    "batch_metrics",
    "gradient_stats",
    "lr_update",
    "early_stopping",
    "status",
    "error",
)


@dataclass(frozen=True)
class Event:
    """One message of a run.

    Attributes:
        sequence: counted up by one from message to message of a run.
        type: one of ``EVENT_TYPES``.
        timestamp: when it was said, in ISO 8601 with UTC.
        data: what is said, as JSON; a number that could not be had is null.

    Example:
        >>> Event(0, "status", "2026-01-01T00:00:00", {"status": "running"}).to_json()["data"]
        {'status': 'running'}
    """

    sequence: int
    type: str
    timestamp: str
    data: Mapping[str, Any]

    def to_json(self) -> dict[str, Any]:
        """The message as it goes over the wire."""
        return {
            "type": self.type,
            "timestamp": self.timestamp,
            "data": dict(self.data),
            "sequence": self.sequence,
        }


Sink = Callable[[Event], None]
"""Takes every message. What it raises ends the training: a reader that missed one would disagree
with the others from then on. A reader that may come and go has to be looked after by its sink."""


@dataclass(frozen=True)
class RunFacts:
    """What a run's messages say about the run itself.

    Attributes:
        run_id: number of the run, where it has one.
        experiment_name: as its owner called it.
        training_mode: ``centralized`` or ``federated``.
        client_id: of the part of a federated training, else none.
        round_number: likewise.

    Example:
        >>> RunFacts(experiment_name="lungs").training_mode
        'centralized'
    """

    run_id: int | None = None
    experiment_name: str = ""
    training_mode: str = "centralized"
    client_id: int | None = None
    round_number: int | None = None


def _now() -> datetime:
    return datetime.now(UTC)


class EventStream:
    """Numbers messages and hands each to all readers, one message at a time.

    Args:
        sinks: the readers, in the order in which they are told.
        first: number of the first message: 0, or for a run that is resumed, the one after the last
            that was kept.
        now: the clock.

    Example:
        >>> kept = []
        >>> stream = EventStream([kept.append])
        >>> _ = stream.emit("status", {"status": "running", "message": ""})
        >>> _ = stream.emit("status", {"status": "completed", "message": ""})
        >>> [event.sequence for event in kept]
        [0, 1]
    """

    def __init__(
        self, sinks: list[Sink], first: int = 0, now: Callable[[], datetime] = _now
    ) -> None:
        self._sinks = list(sinks)
        self._next = first
        self._now = now
        self._last: Event | None = None
        self._turn = threading.Lock()

    def emit(self, kind: str, data: Mapping[str, Any]) -> Event:
        """Say something.

        Args:
            kind: one of ``EVENT_TYPES``.
            data: JSON; numbers that are no numbers become null.

        Returns:
            The message, with its number.

        Raises:
            ValueError: the type is unknown; nothing was said.
        """
        if kind not in EVENT_TYPES:
            raise ValueError(f"{kind!r} is no type of message.")
        with self._turn:
            event = Event(self._next, kind, self._now().isoformat(), _finite(data))
            self._next += 1
            for sink in self._sinks:
                sink(event)
            self._last = event
        return event

    def now(self) -> str:
        """The time by the stream's clock, in ISO 8601."""
        return self._now().isoformat()

    def seconds(self) -> float:
        """The time by the stream's clock, in seconds since 1970."""
        return self._now().timestamp()

    @property
    def last(self) -> Event | None:
        """The last message that all readers have; none before the first."""
        return self._last

    @property
    def next_sequence(self) -> int:
        """Number that the next message gets."""
        return self._next


def _finite(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _finite(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
