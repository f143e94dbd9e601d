"""How a process that runs for weeks gives memory back, and does not stand still for it."""

import ctypes
import gc
import platform

MOST_HEAPS = -8
"""M_ARENA_MAX of glibc's malloc.h."""
OLDEST = 2
HEAPS = 2


def share_heaps() -> bool:
    """Let all threads take memory from the same few heaps; before threads are started.

    By itself glibc gives each of 40 threads a heap of its own and keeps holes in all of them: a
    server asked by 200 people at once had grown by a quarter after 10,000 requests, and needed
    1.1 GB where it needs .8 like this.

    Returns:
        Whether this system's allocator could be told; others are left as they are.
    """
    if platform.libc_ver()[0] != "glibc":
        return False
    return bool(ctypes.CDLL(None).mallopt(MOST_HEAPS, HEAPS) == 1)


class Settling:
    """Lets collections pass over what the first ones left: modules, which go at the end alone.

    Python looks at every object that there is to find those that only refer to each other. With
    the learning library loaded that took a third of a second, again and again, while everybody
    waits. Objects that are not part of such a circle are freed at once as before.
    """

    def __init__(self, times: int = 12) -> None:
        self._left = times

    def begin(self) -> None:
        """From here on, for the first full collections; what loads later is caught by these."""
        gc.collect()
        gc.freeze()
        gc.callbacks.append(self._after)

    def _after(self, phase: str, told: dict[str, int]) -> None:
        if phase != "stop" or told["generation"] != OLDEST:
            return
        gc.freeze()
        self._left -= 1
        if not self._left:
            gc.callbacks.remove(self._after)
