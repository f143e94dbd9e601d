"""Two orders of wavelet scattering of one crop: moduli of wavelet coefficients, averaged.

Averaging makes a coefficient indifferent to small shifts and loses what moves; the second order
finds that again as the wavelet coefficients of the first order's moduli.
"""

from dataclasses import dataclass

import torch
from torch.nn import functional

from deepmed.learning.encoders.scattering import layout
from deepmed.learning.encoders.scattering.filters import FilterBank
from deepmed.learning.encoders.scattering.fourier import spectra, squared_waves


@dataclass(frozen=True)
class Scattered:
    """Scattering coefficients of one crop around the middles of its 14 by 14 patches.

    Attributes:
        zeroth: (1, 14, 14), the averaged ink.
        first: (24, 14, 14), path `scale * 6 + orientation`.
        second: (216, 14, 14), ordered by first scale, second scale, first orientation, second
            orientation; the second scale is always the coarser one.
        parents: (216,) the path of `first` that each path of `second` began with.
    """

    zeroth: torch.Tensor
    first: torch.Tensor
    second: torch.Tensor
    parents: torch.Tensor


def scatter(ink: torch.Tensor, bank: FilterBank) -> Scattered:
    """Scatter one crop.

    Args:
        ink: (224, 224) float, 0 is paper and 1 the darkest ink.
        bank: filters of the same device and precision.

    Returns:
        Its coefficients, differentiable with respect to `ink`.

    Example:
        >>> from deepmed.learning.encoders.scattering.filters import filter_bank
        >>> found = scatter(torch.zeros(224, 224), filter_bank(torch.device("cpu")))
        >>> tuple(found.second.shape), float(found.first.abs().max())
        ((216, 14, 14), 0.0)
    """
    halved = functional.avg_pool2d(ink[None], layout.REDUCTION)
    field = functional.pad(halved, (layout.MARGIN,) * 4)
    spectrum = spectra(field)
    first, second, parents = [], [], []
    for scale in range(layout.SCALES):
        moduli = _moduli(spectrum, bank, scale)
        first.append(_averaged(moduli, bank, scale))
        if scale + 1 == layout.SCALES:
            break
        again = spectra(moduli)
        paths = scale * layout.ORIENTATIONS + torch.arange(layout.ORIENTATIONS, device=ink.device)
        for coarser in range(scale + 1, layout.SCALES):
            second.append(_averaged(_moduli(again, bank, coarser), bank, coarser))
            parents.append(paths.repeat_interleave(layout.ORIENTATIONS))
    return Scattered(
        _averaged(field, bank, 0), torch.cat(first), torch.cat(second), torch.cat(parents)
    )


def _moduli(planes: torch.Tensor, bank: FilterBank, scale: int) -> torch.Tensor:
    """(P·6, m, m) moduli of P signals' wavelet coefficients, every 2^scale-th pixel."""
    wavelets = bank.wavelets[scale]
    products = _lowest(planes, wavelets.shape[-1])[:, :, None] * wavelets
    size = layout.FIELD >> scale
    squares = squared_waves(_folded(products.flatten(1, 2), size) * (size / planes.shape[-1]) ** 2)
    floor = layout.MODULUS_FLOOR
    # The modulus, round instead of pointed at zero, where it would have no gradient. In units of
    # the floor, whose square is so small that ONNX's optimiser takes it for zero.
    return squares / (floor * (torch.sqrt(squares / floor**2 + 1) + 1))


def _lowest(planes: torch.Tensor, count: int) -> torch.Tensor:
    size = planes.shape[-1]
    if count == size:
        return planes
    half = count // 2
    rows = torch.cat([planes[:, :, :half], planes[:, :, size - half :]], dim=2)
    return torch.cat([rows[..., :half], rows[..., size - half :]], dim=3)


def _folded(planes: torch.Tensor, size: int) -> torch.Tensor:
    """Keeping every second value of a signal adds up the halves of its spectrum."""
    if planes.shape[-1] == size:
        return planes
    halves = planes[:, :, :size] + planes[:, :, size:]
    return halves[..., :size] + halves[..., size:]


def _averaged(values: torch.Tensor, bank: FilterBank, scale: int) -> torch.Tensor:
    weights = bank.averages[scale]
    averaged: torch.Tensor = weights @ values @ weights.T
    return averaged
