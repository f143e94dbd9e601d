import pytest

from factories.planting import plant_few


@pytest.fixture(autouse=True)
def _few_planted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing that the interface promises depends on how many drawings a training plants."""
    plant_few(monkeypatch)
