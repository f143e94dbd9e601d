"""What one request for many images may take: time, and bytes of pictures in its answer."""

import time
from collections.abc import Callable

from deepmed.features.xray.turns import BusyError
from deepmed.kit.sizes import MIB

MOST_SECONDS = 120.0
MOST_PICTURES = 64 * MIB
"""Characters of all pictures in an answer."""


class Batch:
    """Asked before each image; once it refuses one it refuses all that follow."""

    def __init__(self, gone: Callable[[], bool] | None = None) -> None:
        self._gone = gone or (lambda: False)
        self._begun = time.monotonic()
        self._pictures = self._answered = 0
        self._refusal: str | None = None

    def refusal(self) -> str | None:
        """Why the next image is not asked about; None where it is."""
        if self._refusal is None:
            self._refusal = self._found()
        return self._refusal

    def answered(self, *pictures: str | None) -> None:
        """An image was answered, with these pictures."""
        self._answered += 1
        self._pictures += sum(len(picture) for picture in pictures if picture is not None)

    def stop(self, error: BusyError) -> str:
        """What was answered before is told; where nothing was, the error is."""
        if not self._answered:
            raise error
        self._refusal = f"{error.message} {_AGAIN}"
        return self._refusal

    def _found(self) -> str | None:
        if time.monotonic() - self._begun > MOST_SECONDS:
            return f"The {MOST_SECONDS:.0f} seconds of one request are over. {_AGAIN}"
        if self._pictures > MOST_PICTURES:
            return (
                f"The pictures of one answer have reached {MOST_PICTURES // MIB} MiB, which is "
                f"the most. {_AGAIN}"
            )
        return "Whoever asked has gone." if self._gone() else None


_AGAIN = "This image was not looked at; send it in another request."
