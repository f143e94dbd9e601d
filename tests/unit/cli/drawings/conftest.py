import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from deepmed.cli.entry import main
from deepmed.features.drawings.analysis.service import AnalysisService
from deepmed.kit import settings as kit_settings
from factories import encoder
from factories.homes import (  # noqa: F401 - pytest finds fixtures by their names here
    _trained,
    bench,
    open_bench,
    trained,
    trained_home,
)
from factories.planting import plant_few
from factories.servers import PROMPT


@dataclass(frozen=True)
class Answer:
    """What a command said."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Standard output as one JSON object, whole."""
        found = json.loads(self.out)
        assert isinstance(found, dict)
        return found


Ask = Callable[..., Answer]


@pytest.fixture
def ask(home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Ask:
    """Runs `deepmed drawings …` in this process on the test's data folder."""
    for name, value in {"DEEPMED_ENCODER": encoder.NAME, **PROMPT}.items():
        monkeypatch.setenv(name, value)
    plant_few(monkeypatch)
    kit_settings.current.cache_clear()

    def asked(*arguments: object) -> Answer:
        capsys.readouterr()
        code = main(["drawings", *map(str, arguments)])
        said = capsys.readouterr()
        return Answer(code, said.out, said.err)

    return asked


@pytest.fixture(scope="session")
def _analysed(_trained: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, int]:  # noqa: F811 - the fixture above
    """The trained data folder with everything analysed, and a drawing that is flagged."""
    home = tmp_path_factory.mktemp("analysed") / "home"
    shutil.copytree(_trained, home)
    opened = open_bench(home)
    rows = AnalysisService(opened).analyze().analyses
    opened.database.close()
    return home, next(row.drawing_id for row in rows if row.is_anomaly)


@pytest.fixture
def flagged(home: Path, _analysed: tuple[Path, int]) -> int:
    """The id of a flagged drawing in a copy of the analysed data folder."""
    shutil.copytree(_analysed[0], home, dirs_exist_ok=True)
    return _analysed[1]
