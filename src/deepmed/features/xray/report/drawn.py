"""What requests draw anew from stored predictions: so much and no more, and once."""

from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping
from threading import Lock
from typing import Any

MOST_RESAMPLES = 2000
MOST_KEPT = 64


def resamples_of(configuration: Mapping[str, Any]) -> int:
    """As many as the run's own intervals have, where somebody can wait for them."""
    wanted: int = configuration["evaluation"]["resamples"]
    return min(wanted, MOST_RESAMPLES)


def fewer(configuration: Mapping[str, Any]) -> str | None:
    """Says so where fewer were drawn than the run's configuration asks for."""
    wanted = configuration["evaluation"]["resamples"]
    if wanted <= MOST_RESAMPLES:
        return None
    return (
        f"Intervals of this answer come from {MOST_RESAMPLES} draws, the most that a request "
        f"makes, and not from the {wanted} of the run's configuration, as its stored ones do."
    )


class Drawn:
    """Answers of a process by all that determines them; the longest unused gives way.

    They hold figures and no patient.
    """

    def __init__(self, most: int = MOST_KEPT) -> None:
        self._most = most
        self._kept: OrderedDict[Hashable, Any] = OrderedDict()
        self._lock = Lock()

    def get(self, key: Hashable, draw: Callable[[], Any]) -> Any:
        """What is kept, else what is drawn now; whoever gets it changes nothing in it."""
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        found = draw()
        with self._lock:
            self._kept[key] = found
            while len(self._kept) > self._most:
                self._kept.popitem(last=False)
        return found
