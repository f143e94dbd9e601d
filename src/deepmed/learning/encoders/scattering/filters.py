"""The filter bank: Morlet wavelets at four widths and six directions, and a Gaussian average.

Source: S. Mallat, "Group invariant scattering" (2012); J. Bruna and S. Mallat, "Invariant
scattering convolution networks" (2013). A Morlet wavelet is a plane wave under a Gaussian, less as
much of the Gaussian as makes its sum zero. All widths are in halved pixels of the crop.
"""

from dataclasses import dataclass
from functools import cache
from math import pi

import numpy as np
import torch
from numpy.typing import NDArray

from deepmed.learning.encoders.scattering import layout

Spectrum = NDArray[np.float64]
_PERIODS = (-2, -1, 0, 1, 2)


@dataclass(frozen=True)
class FilterBank:
    """What the transform multiplies and averages with.

    Attributes:
        wavelets: for each scale (6, m, m): the real spectra on the m lowest frequencies.
        averages: for each scale (14, n): weights of the Gaussian around the middle of each patch,
            for a signal of which every 2^scale-th value was kept.
    """

    wavelets: tuple[torch.Tensor, ...]
    averages: tuple[torch.Tensor, ...]


@cache
def filter_bank(device: torch.device, dtype: torch.dtype = torch.float32) -> FilterBank:
    """The bank on a device, computed once in float64.

    Example:
        >>> bank = filter_bank(torch.device("cpu"))
        >>> [tuple(wavelet.shape) for wavelet in bank.wavelets]
        [(6, 128, 128), (6, 128, 128), (6, 64, 64), (6, 32, 32)]
    """
    wavelets = [lowest(spectrum, band(scale)) for scale, spectrum in enumerate(_normalised())]
    averages = [gaussian_average(scale) for scale in range(layout.SCALES)]
    return FilterBank(
        tuple(torch.from_numpy(each).to(device, dtype) for each in wavelets),
        tuple(torch.from_numpy(each).to(device, dtype) for each in averages),
    )


def band(scale: int) -> int:
    """How many frequencies a side the wavelets of a scale have; beyond them they are zero.

    Example:
        >>> [band(scale) for scale in range(4)]
        [128, 128, 64, 32]
    """
    return min(layout.FIELD, 2 * layout.FIELD >> scale)


def morlet(scale: int, orientation: int) -> Spectrum:
    """The spectrum of one wavelet, not yet normalised.

    Args:
        scale: 0 is the finest; each further one is twice as wide.
        orientation: 0 to 5, in steps of 30°; 0 waves from left to right.

    Returns:
        (128, 128) float64, frequencies in the order of the fast Fourier transform. It is zero at
        frequency zero: paper of any grey gives nothing.

    Example:
        >>> spectrum = morlet(0, 0)
        >>> bool(abs(spectrum[0, 0]) < 1e-12), int(spectrum[0].argmax())
        (True, 49)
    """
    width = layout.WAVELET_WIDTH * 2**scale
    centre = layout.CENTRE * pi / 2**scale
    turn = orientation * pi / layout.ORIENTATIONS
    along, across = (np.cos(turn), np.sin(turn)), (-np.sin(turn), np.cos(turn))
    wave = _periodic(width, along, across, centre)
    plain = _periodic(width, along, across, 0.0)
    spectrum: Spectrum = wave - plain * (wave[0, 0] / plain[0, 0])
    return spectrum


def lowest(spectra: Spectrum, count: int) -> Spectrum:
    """The `count` lowest frequencies along the last two axes."""
    half = count // 2
    kept = np.r_[0:half, spectra.shape[-1] - half : spectra.shape[-1]]
    found: Spectrum = spectra[..., kept[:, None], kept]
    return found


def gaussian_average(scale: int) -> Spectrum:
    """(14, n) weights that average a row of n values around the middle of each patch.

    Each row sums to one, and the field is taken as a ring, as the Fourier transform takes it.

    Example:
        >>> gaussian_average(1).shape, float(gaussian_average(1).sum().round(9))
        ((14, 64), 14.0)
    """
    patch = layout.SIZE // layout.REDUCTION // layout.GRID
    middles = layout.MARGIN + patch * np.arange(layout.GRID) + (patch - 1) / 2
    places = np.arange(0, layout.FIELD, 2**scale)
    apart = np.abs(middles[:, None] - places)
    apart = np.minimum(apart, layout.FIELD - apart)
    weights = np.exp(-0.5 * (apart / layout.LOWPASS_WIDTH) ** 2)
    scaled: Spectrum = weights / weights.sum(axis=1, keepdims=True)
    return scaled


def covered_energy() -> Spectrum:
    """How much of each frequency's energy Gaussian and wavelets keep together (Littlewood-Paley).

    Returns:
        (128, 128), nowhere above one: the transform never enlarges what it is given.

    Example:
        >>> float(covered_energy().max().round(9))
        1.0
    """
    return _gaussian_energy() + _wavelet_energy(_normalised())


@cache
def _normalised() -> tuple[Spectrum, ...]:
    """The wavelets, all scaled by one number: the largest that keeps the energy at one or below."""
    plain = [
        np.stack([morlet(scale, turn) for turn in range(layout.ORIENTATIONS)])
        for scale in range(layout.SCALES)
    ]
    room, energy = 1 - _gaussian_energy(), _wavelet_energy(plain)
    positive = energy > 1e-9
    factor = np.sqrt((room[positive] / energy[positive]).min())
    return tuple(spectra * factor for spectra in plain)


def _wavelet_energy(spectra: "tuple[Spectrum, ...] | list[Spectrum]") -> Spectrum:
    squares = sum(np.square(each).sum(axis=0) for each in spectra)
    opposite = np.roll(np.flip(squares), 1, axis=(0, 1))
    energy: Spectrum = (squares + opposite) / 2
    return energy


def _gaussian_energy() -> Spectrum:
    row = np.exp(-0.5 * (layout.LOWPASS_WIDTH * _frequencies()) ** 2)
    energy: Spectrum = np.square(row[:, None] * row)
    return energy


def _frequencies() -> Spectrum:
    return np.asarray(2 * pi * np.fft.fftfreq(layout.FIELD), dtype=np.float64)


def _periodic(
    width: float, along: tuple[float, float], across: tuple[float, float], centre: float
) -> Spectrum:
    """A Gaussian around `centre` along its wave, repeated with the period of sampled signals."""
    total = np.zeros((layout.FIELD, layout.FIELD))
    for down in _PERIODS:
        for right in _PERIODS:
            y = (_frequencies() + 2 * pi * down)[:, None]
            x = (_frequencies() + 2 * pi * right)[None, :]
            u = along[0] * x + along[1] * y - centre
            v = (across[0] * x + across[1] * y) / layout.SLANT
            total += np.exp(-0.5 * width**2 * (u * u + v * v))
    return total
