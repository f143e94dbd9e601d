from collections.abc import Callable

import pytest
from starlette.testclient import TestClient
from starlette.types import ASGIApp

from deepmed.kit.http.problems import Problems


@pytest.fixture
def problems() -> Problems:
    """Everything below /contract has the contract's bodies."""
    return Problems(lambda path: path.startswith("/contract"))


@pytest.fixture
def ask() -> Callable[[ASGIApp], TestClient]:
    return lambda app: TestClient(app, base_url="http://localhost:8000")
