from dataclasses import dataclass

import numpy as np
import pytest
from scipy import special


@dataclass(frozen=True)
class Study:
    """Images of patients, some with several, with logits of a model that is too sure."""

    labels: np.ndarray
    logits: np.ndarray
    patients: np.ndarray

    @property
    def probabilities(self) -> np.ndarray:
        return special.expit(self.logits)


def make_study(patients: int = 60, seed: int = 0, shift: float = 1.2) -> Study:
    random = np.random.default_rng(seed)
    ids = np.repeat(np.arange(patients), random.integers(1, 4, patients))
    ill = random.random(patients) < 0.4
    labels = ill[ids].astype(int)
    logits = 2 * (random.normal(size=patients)[ids] + random.normal(size=len(ids)))
    return Study(labels, np.round(logits + 2 * shift * (2 * labels - 1), 1), ids)


@pytest.fixture
def study() -> Study:
    return make_study()
