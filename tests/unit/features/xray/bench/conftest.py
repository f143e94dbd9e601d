import json
from pathlib import Path
from typing import Any

import pytest

from factories.published import measured, write_published
from factories.shared import made_once


@pytest.fixture(scope="session")
def workplace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A work folder in which one call has ended, with its result and what it said."""

    def make(folder: Path) -> None:
        write_published(folder / "split.npz")
        result, told = measured(folder)
        (folder / "first.json").write_text(json.dumps([result, told]))

    return made_once(tmp_path_factory, "xray_benchmark", make)


@pytest.fixture(scope="session")
def first(workplace: Path) -> Any:
    return json.loads((workplace / "first.json").read_text())[0]
