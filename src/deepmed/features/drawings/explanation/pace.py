"""Whether an encoder is quick enough to measure each map while somebody waits (D-17)."""

import time

import numpy as np
import torch

from deepmed.learning.encoders import Encoder, Prepared

SLOW_MILLISECONDS = 20.0
_PICTURES, _TRIES = 8, 3
_measured: dict[str, float] = {}


def is_slow(encoder: Encoder) -> bool:
    """Whether one picture takes the encoder more than 20 ms on this machine."""
    return milliseconds_an_image(encoder) > SLOW_MILLISECONDS


def milliseconds_an_image(encoder: Encoder) -> float:
    """The encoder's forward pass, measured once a process, when it is first asked for.

    The quickest of three tries counts: what else the machine does at the time makes an encoder no
    slower.
    """
    key = encoder.identity.key
    if key not in _measured:
        _measured[key] = _measure(encoder)
    return _measured[key]


def _measure(encoder: Encoder) -> float:
    prepared = encoder.prepare([np.full((64, 64, 3), 255, dtype=np.uint8)] * _PICTURES)
    best = float("inf")
    for _ in range(_TRIES):
        best = min(best, _seconds(encoder, prepared) * 1000 / _PICTURES)
        if best <= SLOW_MILLISECONDS:
            break
    return best


def _seconds(encoder: Encoder, prepared: Prepared) -> float:
    start = time.perf_counter()
    with torch.no_grad():
        encoder.encode(prepared).cpu()  # a graphics processor is waited for
    return time.perf_counter() - start
