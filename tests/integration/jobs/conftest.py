from collections.abc import Iterator
from pathlib import Path

import pytest

from deepmed.app import open_home
from deepmed.core.home import Home
from deepmed.core.jobs.ledger import JobLedger
from deepmed.kit.settings import Settings
from factories import job_kinds, jobs
from factories.servers import PROMPT


@pytest.fixture(autouse=True)
def _plug_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    job_kinds.install(tmp_path / "plug-in", monkeypatch)
    for name, value in PROMPT.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def opened(settings: Settings, database: object) -> Iterator[Home]:
    with open_home(settings) as home:
        yield home


@pytest.fixture
def ledger(opened: Home) -> JobLedger:
    return jobs.ledger_of(opened)


@pytest.fixture
def any_home(any_settings: Settings) -> Iterator[Home]:
    """An empty data folder on each engine."""
    with open_home(any_settings) as home:
        yield home
