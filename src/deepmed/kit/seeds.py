"""One seed a run, and streams of random numbers derived from it by name (P-13)."""

import hashlib

import numpy as np


def derive(seed: int, *names: str | int) -> int:
    """A 63-bit seed for the named stream: the same names give the same seed, on every machine.

    >>> derive(0, "split", 3) == derive(0, "split", 3)
    True
    >>> derive(0, "split", 3) == derive(0, "split", 4)
    False
    """
    text = "/".join([str(seed), *map(str, names)])
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


def generator(seed: int, *names: str | int) -> np.random.Generator:
    """NumPy's generator over the named stream."""
    return np.random.default_rng(derive(seed, *names))
