import pytest

from deepmed.core.home import Home
from deepmed.kit.database import Database
from deepmed.kit.settings import Settings


@pytest.fixture
def opened(settings: Settings, database: Database, owner_id: int) -> Home:
    """The data folder, open for the person at this machine."""
    return Home(settings, database, owner_id)
