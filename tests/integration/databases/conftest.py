"""Two machines that share a database and a file store, on each engine."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from deepmed.core.registry.keys import open_keys
from deepmed.core.registry.service import ArtifactRegistry
from deepmed.features.drawings.workbench import Workbench
from deepmed.kit import settings as kit_settings
from deepmed.kit.database import open_database
from deepmed.kit.settings import Settings
from deepmed.kit.storage import FileStorageService
from deepmed.migrations.models import metadata
from factories import encoder


@pytest.fixture
def machines(any_settings: Settings, tmp_path: Path) -> Iterator[list[Workbench]]:
    """Nothing but the database keeps them apart: each has connections and locks of its own."""
    metadata()
    keys = open_keys(any_settings.home / "keys")
    storage = FileStorageService(any_settings.resolved_storage_url)
    found = []
    for name in ("first", "second"):
        own = kit_settings.load(home=tmp_path / name, encoder=encoder.NAME)
        database = open_database(any_settings.resolved_database_url)
        found.append(
            Workbench(own, database, storage, ArtifactRegistry(database, storage, keys, 1), 1)
        )
    yield found
    for machine in found:
        machine.database.close()
