"""One seed a run, and streams of random numbers derived from it by name (P-13)."""

import hashlib
import json

import numpy as np


def derive(seed: int, *names: str | int) -> int:
    """A 63-bit seed for the named stream: the same names give the same seed, on every machine.

    Different names give different streams: `("a", "b")`, `("a/b",)` and `("a", 1)`, `("a", "1")`
    are four.

    >>> derive(0, "split", 3) == derive(0, "split", 3)
    True
    >>> derive(0, "split", 3) == derive(0, "split", 4)
    False
    """
    path = [int(seed), *(name if isinstance(name, str) else int(name) for name in names)]
    text = json.dumps(path, separators=(",", ":"))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


def generator(seed: int, *names: str | int) -> np.random.Generator:
    """NumPy's generator over the named stream."""
    return np.random.default_rng(derive(seed, *names))
