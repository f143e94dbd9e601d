"""A home of its own for each test: a fresh database with two owners, and a fresh file store."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from deepmed.core.accounts.tables import Owner
from deepmed.kit.database import Database, open_database
from deepmed.kit.settings import Settings
from deepmed.kit.storage import FileStorageService


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "home")


@pytest.fixture
def database(settings: Settings) -> Iterator[Database]:
    from deepmed.migrations import models

    opened = open_database(settings.resolved_database_url)
    models.metadata().create_all(opened.engine)
    with opened.write() as session:
        session.add_all([Owner(id=1, name="local"), Owner(id=2, name="somebody else")])
    yield opened
    opened.close()


@pytest.fixture
def owner_id(database: Database) -> int:
    return 1


@pytest.fixture
def other_owner_id(database: Database) -> int:
    return 2


@pytest.fixture
def storage(settings: Settings) -> FileStorageService:
    return FileStorageService(settings.resolved_storage_url)
