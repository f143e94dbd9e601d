import pytest

from deepmed.features.drawings.samples import files
from deepmed.features.drawings.samples import planted as planting
from deepmed.features.drawings.samples.maker import (
    SampleDrawing,
    make_false_alarm_samples,
    make_planting_sources,
    make_samples,
)
from deepmed.features.drawings.samples.planted import PlantedDrawing, make_planted

# Drawings are made once for all tests of a session; no test changes them.


@pytest.fixture(scope="session")
def samples() -> list[SampleDrawing]:
    return make_samples(0)


@pytest.fixture(scope="session")
def further() -> list[SampleDrawing]:
    return make_false_alarm_samples(0)


@pytest.fixture(scope="session")
def sources() -> list[SampleDrawing]:
    return make_planting_sources(0)


@pytest.fixture(scope="session")
def planted() -> list[PlantedDrawing]:
    return make_planted(0)


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch, samples: list[SampleDrawing]) -> None:
    """What is written to a folder was drawn before; that it is drawn alike has its own test."""
    monkeypatch.setattr(files, "make_samples", lambda _seed: samples)


@pytest.fixture
def planted_before(monkeypatch: pytest.MonkeyPatch, planted: list[PlantedDrawing]) -> None:
    """Likewise for planted anomalies."""
    monkeypatch.setattr(planting, "make_planted", lambda _seed: planted)
