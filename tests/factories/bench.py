"""The benchmark made small: sizes and detectors that take no time."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest

from deepmed.features.drawings.bench import entrants
from deepmed.features.drawings.bench.effort import QUICK
from deepmed.learning.detectors import Detector, make_detector
from deepmed.learning.reference import fitting

TINY = replace(
    QUICK,
    simulations=30,
    splits=2,
    slow_splits=1,
    planted_per_kind=5,
    resamples=20,
    timing_repeats=1,
    further_per_group=6,
    sources_per_group=2,
    crowd_sizes=(10, 40),
    crowd_repeats=1,
    maps=1,
)
_HASTY: dict[str, dict[str, Any]] = {
    "autoencoder": {"config": {"epochs": 2}},
    "isolation_forest": {"trees": 5},
}


def hasty(name: str, seed: int = 0, **parameters: Any) -> Detector:
    """A detector that learns little where learning takes long."""
    return make_detector(name, seed, **_HASTY.get(name, {}), **parameters)


@contextmanager
def hasty_detectors() -> Iterator[pytest.MonkeyPatch]:
    """For tests of the run itself and not of what detectors find."""
    with pytest.MonkeyPatch.context() as patch:
        for module in (entrants, fitting):
            patch.setattr(module, "make_detector", hasty)
        yield patch
