"""The filter bank, against the textbook's definition and its energy theorem."""

import numpy as np
import pytest
import torch

from deepmed.learning.encoders.scattering import layout
from deepmed.learning.encoders.scattering.filters import (
    band,
    covered_energy,
    filter_bank,
    gaussian_average,
    lowest,
    morlet,
)


@pytest.mark.req("D-5.2")
@pytest.mark.parametrize(("scale", "orientation"), [(0, 0), (1, 2), (2, 5), (3, 3)])
def test_a_wavelet_is_a_plane_wave_under_a_gaussian_less_its_mean(
    scale: int, orientation: int
) -> None:
    """Sampled in space from the formula, never seen by the code that makes spectra."""
    size = layout.FIELD
    places = np.arange(-2 * size, 2 * size)
    y, x = np.meshgrid(places, places, indexing="ij")
    turn = orientation * np.pi / layout.ORIENTATIONS
    u, v = x * np.cos(turn) + y * np.sin(turn), -x * np.sin(turn) + y * np.cos(turn)
    width = layout.WAVELET_WIDTH * 2**scale
    gaussian = np.exp(-0.5 * (u**2 + (layout.SLANT * v) ** 2) / width**2)
    gaussian *= layout.SLANT / (2 * np.pi * width**2)
    wave = gaussian * np.exp(1j * layout.CENTRE * np.pi / 2**scale * u)
    wavelet = wave - gaussian * (wave.sum() / gaussian.sum())
    # The ring: what lies a whole field apart falls on the same pixel.
    ring = wavelet.reshape(4, size, 4, size).sum(axis=(0, 2))
    assert np.fft.fft2(ring) == pytest.approx(morlet(scale, orientation), abs=1e-6)


@pytest.mark.req("D-5.2")
def test_no_frequency_gains_energy_and_those_of_strokes_keep_most() -> None:
    energy = covered_energy()
    assert energy.max() == pytest.approx(1.0, abs=1e-12)
    frequencies = np.abs(np.fft.fftfreq(layout.FIELD))
    coarse = np.hypot(frequencies[:, None], frequencies) < 0.3
    assert energy[coarse].min() > 0.3
    assert energy[0, 0] == pytest.approx(1.0)


@pytest.mark.req("D-5.2")
def test_paper_of_any_grey_gives_nothing() -> None:
    for spectra in filter_bank(torch.device("cpu"), torch.float64).wavelets:
        assert spectra[:, 0, 0].abs().max() < 1e-12


def test_what_lies_beyond_the_band_is_below_a_hundredth_of_the_peak() -> None:
    for scale in range(layout.SCALES):
        spectrum = morlet(scale, 1)
        kept = np.zeros_like(spectrum, dtype=bool)
        half = band(scale) // 2
        places = np.r_[0:half, layout.FIELD - half : layout.FIELD]
        kept[np.ix_(places, places)] = True
        beyond = np.abs(spectrum[~kept])
        assert not len(beyond) or beyond.max() < 0.01 * spectrum.max()
        assert np.array_equal(lowest(spectrum, band(scale)).ravel(), spectrum[kept])


def test_an_average_stands_on_the_middle_of_its_patch() -> None:
    for scale in range(layout.SCALES):
        weights = gaussian_average(scale)
        places = np.arange(0, layout.FIELD, 2**scale)
        middles = layout.MARGIN + 8 * np.arange(layout.GRID) + 3.5
        inner = slice(2, 12)  # nearer to the edge the ring shows
        assert (weights @ places)[inner] == pytest.approx(middles[inner], abs=0.2)
