import pytest

from deepmed.core.home import Home
from deepmed.kit.database import Database
from deepmed.kit.settings import Settings
from factories.api import api, empty, settled  # noqa: F401 - pytest finds fixtures by their names
from factories.homes import _trained, trained_home  # noqa: F401 - likewise
from factories.tour import tour  # noqa: F401 - likewise


@pytest.fixture
def opened(settings: Settings, database: Database, owner_id: int) -> Home:
    """The data folder, open for the person at this machine."""
    return Home(settings, database, owner_id)
