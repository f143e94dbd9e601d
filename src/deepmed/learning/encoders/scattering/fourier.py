"""Fourier transforms of small squares, real and imaginary parts apart.

The fast transform where complex numbers are at home. Where they are not (Apple's graphics
processors, ONNX, whose own transform is off by a thousandth here) the same sums as matrix products.
"""

from functools import cache
from math import pi

import numpy as np
import torch
from numpy.typing import NDArray


def spectra(signals: torch.Tensor) -> torch.Tensor:
    """Transform real signals.

    Args:
        signals: (P, n, n).

    Returns:
        (2, P, n, n), real and imaginary parts.

    Example:
        >>> spectra(torch.ones(1, 4, 4))[:, 0, 0, 0].tolist()
        [16.0, 0.0]
    """
    if _with_complex_numbers(signals):
        found = torch.fft.fft2(signals)
        return torch.stack([found.real, found.imag])
    nothing = torch.zeros_like(signals)
    return torch.stack(_summed(signals, nothing, sign=-1))


def squared_waves(planes: torch.Tensor) -> torch.Tensor:
    """Transform back, and square the absolute values.

    Args:
        planes: (2, P, n, n), real and imaginary parts of spectra.

    Returns:
        (P, n, n).

    Example:
        >>> squared_waves(spectra(torch.full((1, 4, 4), -3.0)))[0, 0, 0].item()
        9.0
    """
    if _with_complex_numbers(planes):
        waves = torch.fft.ifft2(torch.complex(planes[0], planes[1]))
        squares: torch.Tensor = waves.real.square() + waves.imag.square()
        return squares
    real, imaginary = _summed(planes[0], planes[1], sign=1)
    return (real.square() + imaginary.square()) / planes.shape[-1] ** 4


def _with_complex_numbers(values: torch.Tensor) -> bool:
    return values.device.type != "mps" and not torch.compiler.is_exporting()


def _summed(
    real: torch.Tensor, imaginary: torch.Tensor, sign: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """The sums over both axes with exp(sign·2πi·jk/n)."""
    cosine, sine = (
        torch.from_numpy(values).to(real.device, real.dtype)
        for values in _waves(real.shape[-1], sign)
    )
    real, imaginary = real @ cosine - imaginary @ sine, real @ sine + imaginary @ cosine
    return cosine @ real - sine @ imaginary, sine @ real + cosine @ imaginary


@cache
def _waves(size: int, sign: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """No tensors: one that is kept from one call to the next must not belong to a tracing."""
    places = np.arange(size)
    # Modulo first: the angle is then small, and exact for it.
    angles = np.outer(places, places) % size * (2 * pi / size)
    return np.cos(angles), sign * np.sin(angles)
