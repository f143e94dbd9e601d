"""What a run says of itself beside what its training's callbacks say."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from deepmed.core.jobs.errors import JobCancelled
from deepmed.features.xray.runs.database_operations import in_words

if TYPE_CHECKING:
    from deepmed.learning.classification.events import Event, EventStream, RunFacts

_CANCELLED = "It was cancelled; resume it to go on from its last checkpoint."


class MetricsWebSocketSender:
    """Tells whoever listens to a run how it goes.

    Everything goes through the run's one stream: a socket tells what the database has, so that
    who comes later, or comes back, hears the same as who was there.

    Args:
        stream: the run's.
        run: what messages say about it.
    """

    def __init__(self, stream: "EventStream", run: "RunFacts") -> None:
        self._stream = stream
        self._run = run

    def send_metrics(self, metrics: Mapping[str, Any], phase: str = "train") -> "Event":
        """The numbers of an epoch, which they name; phase `train` stands for the whole epoch."""
        return self._stream.emit(
            "epoch_end",
            {
                "epoch": metrics["epoch"],
                "phase": phase,
                "metrics": dict(metrics),
                "client_id": self._run.client_id,
                "round_number": self._run.round_number,
            },
        )

    def send_training_complete(self) -> "Event":
        """The run is over, results and all: the last thing that it says."""
        message = "The run is completed; its model and its figures are stored."
        return self._stream.emit("status", {"status": "completed", "message": message})

    def send_training_failed(self, error: BaseException) -> "Event":
        """Why the run ended, where its training has not just said so itself."""
        last = self._stream.last
        if last is not None and _is_end(last):
            return last
        if isinstance(error, JobCancelled):
            return self._stream.emit("status", {"status": "cancelled", "message": _CANCELLED})
        said = {"error": in_words(error), "error_type": type(error).__name__}
        return self._stream.emit("error", said)


def _is_end(event: "Event") -> bool:
    return event.type == "error" or event.data.get("status") == "cancelled"
