from collections.abc import Iterator

import pytest

from deepmed.app import open_home
from deepmed.core.home import Home
from deepmed.core.jobs.ledger import JobLedger
from deepmed.kit.settings import Settings
from factories import jobs


@pytest.fixture
def opened(settings: Settings, database: object) -> Iterator[Home]:
    with open_home(settings) as home:
        yield home


@pytest.fixture
def ledger(opened: Home) -> JobLedger:
    return jobs.ledger_of(opened)
