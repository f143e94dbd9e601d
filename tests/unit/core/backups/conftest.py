from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from deepmed.app import open_home
from deepmed.core.backups.service import BackupService
from deepmed.core.home import Home
from deepmed.kit import settings as kit_settings
from deepmed.kit.database import Database
from deepmed.kit.settings import Settings


@pytest.fixture
def opened(settings: Settings, database: Database, owner_id: int) -> Home:
    """The data folder, open for the person at this machine."""
    return Home(settings, database, owner_id)


@pytest.fixture
def service(opened: Home) -> BackupService:
    return BackupService.of(opened)


@pytest.fixture
def second(migrated_folder: Callable[[str], Path]) -> Iterator[BackupService]:
    """Another installation, empty."""
    with open_home(kit_settings.load(home=migrated_folder("second"))) as home:
        yield BackupService.of(home)
