"""Who may read and ask about an image now: networks take cores, decoders take memory."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import BoundedSemaphore

from deepmed.kit.errors import ResourceError

PLACES = 2
PATIENCE_SECONDS = 8.0
RETRY_AFTER_SECONDS = 10


class BusyError(ResourceError):
    """Others' images are being looked at; nothing was done. Try again in some seconds."""

    code = "busy"


class Turns:
    """So many images at a time in a process, whoever asks and by whatever way."""

    def __init__(self, places: int = PLACES, patience: float = PATIENCE_SECONDS) -> None:
        self._places = BoundedSemaphore(places)
        self._patience = patience

    @contextmanager
    def turn(self, before_waiting: Callable[[], object] | None = None) -> Iterator[None]:
        """A turn, as soon as there is one.

        Args:
            before_waiting: called where others are first; lets go of what they may need.

        Raises:
            BusyError: none came within some seconds.
        """
        if not self._places.acquire(blocking=False):
            if before_waiting is not None:
                before_waiting()
            if not self._places.acquire(timeout=self._patience):
                raise BusyError(retry_after=RETRY_AFTER_SECONDS)
        try:
            yield
        finally:
            self._places.release()


TURNS = Turns()
"""Of this process."""
