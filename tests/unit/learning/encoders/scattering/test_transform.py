"""The transform, against slow sums over pixels."""

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from deepmed.learning.encoders.scattering import layout
from deepmed.learning.encoders.scattering.filters import filter_bank, morlet
from deepmed.learning.encoders.scattering.transform import Scattered, scatter

SIZE = layout.FIELD
Values = NDArray[np.float64]


def scattered(ink: Values) -> Scattered:
    with torch.no_grad():
        return scatter(torch.from_numpy(ink), filter_bank(torch.device("cpu"), torch.float64))


def strokes(seed: int, lines: int = 5) -> Values:
    generator = np.random.default_rng(seed)
    page = np.zeros((224, 224))
    for _ in range(lines):
        start, end = generator.uniform(30, 190, (2, 2))
        points = np.linspace(start, end, 600).astype(int)
        for dy, dx in np.ndindex(3, 3):
            page[points[:, 0] + dy, points[:, 1] + dx] = 1
    return page


def field_of(ink: Values) -> Values:
    halved = ink.reshape(112, 2, 112, 2).mean(axis=(1, 3))
    return np.pad(halved, layout.MARGIN)


def wavelet_in_space(scale: int, orientation: int) -> NDArray[np.complex128]:
    """By the sum over frequencies, of the band alone, scaled as the bank is."""
    bank = filter_bank(torch.device("cpu"), torch.float64).wavelets[scale]
    factor = float(bank[0, 0, 5]) / morlet(scale, 0)[0, 5]
    half = bank.shape[-1] // 2
    spectrum = morlet(scale, orientation) * factor
    places = np.arange(SIZE)
    kept = [k for k in range(SIZE) if k < half or k >= SIZE - half]
    waves = np.exp(2j * np.pi * np.outer(places, kept) / SIZE) / SIZE
    return np.asarray(waves @ spectrum[np.ix_(kept, kept)] @ waves.T)


def modulus_at(signal: Values, wavelet: NDArray[np.complex128], y: int, x: int, step: int) -> float:
    """|signal * wavelet| at one place; of the wavelet every `step`-th value is taken."""
    size = len(signal)
    total = 0j
    for row in range(size):
        behind = (x - np.arange(size)) % size
        taps = wavelet[(y - row) % size * step, behind * step]
        total += (signal[row] * taps).sum()
    floor = layout.MODULUS_FLOOR
    return float(np.sqrt(abs(total * step * step) ** 2 + floor**2) - floor)


def gaussian(values: Values, step: int, row: int, column: int) -> float:
    """The Gaussian average around the middle of a patch, as a sum over all pixels."""
    total = weight = 0.0
    for y, x in np.ndindex(values.shape):
        apart = [
            abs(layout.MARGIN + 8 * patch + 3.5 - place * step)
            for patch, place in ((row, y), (column, x))
        ]
        squares = sum(min(each, SIZE - each) ** 2 for each in apart)
        each = np.exp(-0.5 * squares / layout.LOWPASS_WIDTH**2)
        total, weight = total + each * values[y, x], weight + each
    return total / weight


@pytest.mark.req("D-5.2")
@pytest.mark.parametrize(("scale", "orientation", "patch"), [(2, 1, (5, 7)), (3, 4, (10, 3))])
def test_first_order_equals_a_slow_sum_over_pixels(
    scale: int, orientation: int, patch: tuple[int, int]
) -> None:
    ink = strokes(1)
    step, field = 2**scale, field_of(ink)
    wavelet = wavelet_in_space(scale, orientation)
    moduli = np.array(
        [
            [modulus_at(field, wavelet, y, x, 1) for x in range(0, SIZE, step)]
            for y in range(0, SIZE, step)
        ]
    )
    path = scale * layout.ORIENTATIONS + orientation
    found = float(scattered(ink).first[path, *patch])
    assert found > 1e-4
    assert found == pytest.approx(gaussian(moduli, step, *patch), rel=1e-9)


@pytest.mark.req("D-5.2")
def test_second_order_equals_a_slow_sum_over_the_moduli_of_the_first() -> None:
    ink = strokes(2)
    field, first, second = field_of(ink), wavelet_in_space(2, 3), wavelet_in_space(3, 1)
    moduli = np.array(
        [[modulus_at(field, first, y, x, 1) for x in range(0, SIZE, 4)] for y in range(0, SIZE, 4)]
    )
    again = np.array(
        [[modulus_at(moduli, second, y, x, 4) for x in range(0, 32, 2)] for y in range(0, 32, 2)]
    )
    # Pairs of scales in order: 01 02 03 12 13 23; then the two orientations.
    path = 5 * 36 + 3 * 6 + 1
    found = scattered(ink)
    assert int(found.parents[path]) == 2 * 6 + 3
    assert float(found.second[path, 6, 6]) == pytest.approx(gaussian(again, 8, 6, 6), rel=1e-9)


@pytest.mark.req("D-5.2")
def test_the_averaged_ink_equals_a_slow_sum() -> None:
    ink = strokes(3)
    expected = gaussian(field_of(ink), 1, 4, 9)
    assert float(scattered(ink).zeroth[0, 4, 9]) == pytest.approx(expected, rel=1e-9)


@pytest.mark.req("D-5.2")
def test_the_orders_together_hold_no_more_energy_than_the_ink_and_most_of_it() -> None:
    """The first order's moduli and the average, as they are before anything is left out."""
    bank = filter_bank(torch.device("cpu"), torch.float64)
    for seed in range(3):
        field = field_of(strokes(seed))
        spectrum = np.fft.fft2(field)
        frequencies = 2 * np.pi * np.fft.fftfreq(SIZE)
        low = np.exp(-0.5 * (layout.LOWPASS_WIDTH * frequencies) ** 2)
        energy = np.square(np.fft.ifft2(spectrum * low[:, None] * low).real).sum()
        for scale, wavelets in enumerate(bank.wavelets):
            factor = float(wavelets[0, 0, 5]) / morlet(scale, 0)[0, 5]
            for turn in range(layout.ORIENTATIONS):
                moduli = np.abs(np.fft.ifft2(spectrum * morlet(scale, turn) * factor))
                energy += np.square(moduli).sum()
        share = energy / np.square(field).sum()
        assert 0.6 < share <= 1 + 1e-12


@pytest.mark.req("D-5.2")
def test_a_shift_of_some_pixels_changes_the_coefficients_far_less_than_the_pixels() -> None:
    ink = strokes(4)
    plain = scattered(ink)
    changes = []
    for shift in (2, 4, 8):
        moved = np.roll(ink, shift, axis=(0, 1))
        other = scattered(moved)
        pixels = np.linalg.norm(moved - ink) / np.linalg.norm(ink)
        change = max(
            float(torch.linalg.norm(after - before) / torch.linalg.norm(before))
            for before, after in ((plain.first, other.first), (plain.second, other.second))
        )
        assert change < 0.3 * pixels
        changes.append(change)
    assert changes == sorted(changes)
    assert changes[0] < 0.12


@pytest.mark.req("D-5.2")
def test_two_drawings_with_one_first_order_are_told_apart_by_the_second() -> None:
    """Stripes that come and go against stripes of half the strength everywhere."""
    x = np.arange(224)
    stripes = np.broadcast_to(0.5 + 0.5 * np.cos(2 * np.pi * x / 10.7), (224, 224))
    beats = 0.5 - 0.5 * np.cos(2 * np.pi * x / 56)
    even, beating = scattered(stripes * 0.5), scattered(stripes * beats)
    inner = slice(3, 11)
    first = [float(each.first[6, inner, inner].mean()) for each in (even, beating)]
    second = [float(each.second[72, inner, inner].mean()) for each in (even, beating)]
    assert first[0] == pytest.approx(first[1], rel=0.35)
    assert second[1] > 3 * second[0]
