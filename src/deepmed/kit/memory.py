"""How a process that runs for weeks gives memory back, and does not stand still for it."""

import ctypes
import gc
import platform

# By number, as in glibc's malloc.h: M_TRIM_THRESHOLD, M_MMAP_THRESHOLD, M_ARENA_MAX.
GIVEN_BACK_FROM, KEPT_OUTSIDE_FROM, MOST_HEAPS = -1, -3, -8
OLDEST = 2
BLOCK_BYTES = 1 << 20
HEAPS = 2
"""Threads share so many heaps; by itself each of 40 threads may fill one of its own."""


def give_memory_back() -> bool:
    """Let large blocks go back to the system when they are freed; before threads are started.

    By itself glibc raises the size from which it does so with each block that is freed, and keeps
    holes in one heap for each of many threads: a server asked by 200 people at once had grown by a
    quarter after 10,000 requests, and needed 1.1 GB where it needs .7 like this.

    Returns:
        Whether this system's allocator could be told; others are left as they are.
    """
    if platform.libc_ver()[0] != "glibc":
        return False
    tell = ctypes.CDLL(None).mallopt
    settings = (
        (KEPT_OUTSIDE_FROM, BLOCK_BYTES),
        (GIVEN_BACK_FROM, BLOCK_BYTES),
        (MOST_HEAPS, HEAPS),
    )
    done = [tell(name, value) for name, value in settings]
    return done == [1] * len(settings)


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
