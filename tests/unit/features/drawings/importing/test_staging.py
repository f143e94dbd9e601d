import os
import time
from pathlib import Path

import pytest

from deepmed.features.drawings.catalogue.sweeping import sweep_files
from deepmed.features.drawings.importing.staging import LONGEST, Staging
from deepmed.features.drawings.workbench import Workbench
from deepmed.kit.errors import NotFoundError
from deepmed.kit.storage import FileStorageService

UID = "0" * 32
NAMES = ["b.png", "Anna.png", "metadata.json"]


@pytest.fixture
def sent(tmp_path: Path) -> Path:
    folder = tmp_path / "sent"
    folder.mkdir()
    for name in NAMES:
        (folder / name).write_bytes(name.encode() * 1000)
    return folder


def test_files_come_back_under_their_names(
    storage: FileStorageService, sent: Path, tmp_path: Path
) -> None:
    staging = Staging(storage, UID)
    staging.put(sent, NAMES)
    assert not any("Anna" in file.key for file in storage.list_files())
    assert staging.fetch(tmp_path / "there") == NAMES
    for name in NAMES:
        assert (tmp_path / "there" / name).read_bytes() == name.encode() * 1000
    staging.discard()
    staging.discard()
    assert list(storage.list_files()) == []
    with pytest.raises(NotFoundError):
        staging.fetch(tmp_path / "again")


@pytest.mark.req("S-16.1")
def test_a_name_in_the_store_leads_nowhere_else(
    storage: FileStorageService, tmp_path: Path
) -> None:
    storage.put(f"staging/{UID}/names.json", b'["../../evil.png"]')
    storage.put(f"staging/{UID}/00000", b"x")
    assert Staging(storage, UID).fetch(tmp_path / "a" / "b") == ["evil.png"]
    assert not (tmp_path / "evil.png").exists()


def test_what_nobody_fetched_is_swept_after_a_week(bench: Workbench, sent: Path) -> None:
    Staging(bench.storage, UID).put(sent, NAMES)
    assert sweep_files(bench) == []
    old = time.time() - LONGEST.total_seconds() - 60
    for path in (bench.settings.home / "files" / "staging").rglob("*"):
        os.utime(path, (old, old))
    assert len(sweep_files(bench)) == len(NAMES) + 1
    assert list(bench.storage.list_files("staging")) == []
