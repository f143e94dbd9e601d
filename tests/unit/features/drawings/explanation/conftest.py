import time
from collections.abc import Callable

import pytest
from torch import Tensor

from deepmed.features.drawings.analysis.service import AnalysisService
from deepmed.features.drawings.explanation import pace
from deepmed.features.drawings.explanation.service import ExplanationService
from deepmed.features.drawings.tables import AnomalyAnalysis
from deepmed.features.drawings.workbench import Workbench
from deepmed.learning.encoders import Prepared
from deepmed.learning.reference import Role
from factories.encoder import InkGridEncoder

OfRole = Callable[[str], AnomalyAnalysis]


class WaitingEncoder(InkGridEncoder):
    """The small encoder, slow on blank pages: that is what its pace is measured with."""

    def __init__(self, milliseconds: float) -> None:
        super().__init__()
        self.seconds = milliseconds / 1000
        self.pages = 0

    def encode(self, prepared: Prepared) -> Tensor:
        self.pages += len(prepared)
        if bool((prepared.pixels == 1).all()):
            time.sleep(self.seconds * len(prepared))
        return super().encode(prepared)


@pytest.fixture(autouse=True)
def _nothing_measured_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pace, "_measured", {})


@pytest.fixture
def slow(trained: Workbench) -> Workbench:
    """The trained data folder where encoding an image takes 25 ms."""
    vars(trained.encoding)["encoder"] = WaitingEncoder(25)
    return trained


@pytest.fixture
def service(trained: Workbench) -> ExplanationService:
    return ExplanationService(trained)


@pytest.fixture
def most_unusual(trained: Workbench) -> OfRole:
    """The analysis of the most unusual drawing of a role."""
    rows = AnalysisService(trained).analyze().analyses

    def of(role: str) -> AnomalyAnalysis:
        ranked = [row for row in rows if row.role == Role(role) and row.p_value is not None]
        return min(ranked, key=lambda row: (row.p_value, row.id))

    return of
