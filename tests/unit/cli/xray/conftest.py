import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from deepmed.cli.entry import main


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
def ask(home: Path, _migrated: Path, capsys: pytest.CaptureFixture[str]) -> Ask:
    """Runs `deepmed …` in this process on the test's data folder."""
    if not (home / "deepmed.db").exists():
        shutil.copy(_migrated, home)

    def asked(*arguments: object) -> Answer:
        capsys.readouterr()
        code = main([*map(str, arguments)])
        said = capsys.readouterr()
        return Answer(code, said.out, said.err)

    return asked
