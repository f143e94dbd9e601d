"""Small embeddings that look like the real ones: far fewer rows than dimensions, some constant."""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from deepmed.learning.detectors import Detector, make_detector

Rows = npt.NDArray[np.float32]
WIDTH = 40


def _embeddings(count: int, seed: int) -> Rows:
    random = np.random.default_rng(seed)
    mixing = np.random.default_rng(7).normal(size=(4, WIDTH))
    rows = random.normal(size=(count, 4)) @ mixing + 0.3 * random.normal(size=(count, WIDTH))
    rows[:, -3:] = 0.0
    return rows.astype(np.float32)


@pytest.fixture
def typical() -> Rows:
    return _embeddings(24, seed=1)


@pytest.fixture
def others() -> Rows:
    """New rows: half like the typical ones, half with something where nothing ever was."""
    rows = _embeddings(10, seed=2)
    rows[5:] *= 2.5
    rows[5:, -2:] = 1.0
    return rows


@pytest.fixture
def make() -> Callable[..., Detector]:
    """Detectors by name, with training short enough for a test."""

    def build(name: str, seed: int = 0) -> Detector:
        parameters: dict[str, Any] = {}
        if name == "autoencoder":
            parameters["config"] = {"hidden_dims": (16, 4), "epochs": 30}
        return make_detector(name, seed=seed, **parameters)

    return build
