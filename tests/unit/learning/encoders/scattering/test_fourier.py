"""Both ways to transform, against each other and against NumPy."""

import numpy as np
import pytest
import torch

from deepmed.learning.encoders.scattering import fourier
from deepmed.learning.encoders.scattering.encoder import ScatteringEncoder
from deepmed.learning.encoders.scattering.fourier import spectra, squared_waves


@pytest.fixture(params=[True, False], ids=["fast", "sums"])
def _way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fourier, "_with_complex_numbers", lambda _: request.param)


@pytest.mark.usefixtures("_way")
def test_they_are_numpys_transforms() -> None:
    signals = np.random.default_rng(0).normal(size=(3, 16, 16))
    found = spectra(torch.from_numpy(signals)).numpy()
    assert found[0] + 1j * found[1] == pytest.approx(np.fft.fft2(signals), abs=1e-11)
    waves = squared_waves(torch.from_numpy(np.stack([signals, signals[::-1]])))
    expected = np.abs(np.fft.ifft2(signals + 1j * signals[::-1])) ** 2
    assert waves.numpy() == pytest.approx(expected, abs=1e-14)


@pytest.mark.req("D-23.1")
def test_without_complex_numbers_the_vector_is_the_same_to_a_millionth(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    encoder = ScatteringEncoder("cpu")
    page = np.full((90, 120, 3), 255, np.uint8)
    page[20:70, 30:34] = 0
    page[40:44, 20:100] = 90
    plain = encoder.embed([page])
    monkeypatch.setattr(fourier, "_with_complex_numbers", lambda _: False)
    assert np.linalg.norm(encoder.embed([page]) - plain) < 1e-6 * np.linalg.norm(plain)
