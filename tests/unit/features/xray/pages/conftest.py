import pytest

from deepmed.core.home import Home
from factories.api import Api
from factories.xray_reported import _reported, reported  # noqa: F401 - pytest finds fixtures


@pytest.fixture(scope="session")
def clinic(reported: Home) -> Api:  # noqa: F811 - the fixture
    """Asks for pages; its runs are those of `reported`, which nobody may change."""
    return Api.of(reported)


@pytest.fixture(scope="session")
def stranger(clinic: Api) -> Api:
    """Somebody else at the same server."""
    return clinic.stranger()
