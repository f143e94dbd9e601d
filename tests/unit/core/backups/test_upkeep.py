"""What storage is taken, and what of it goes."""

import os
import time
from pathlib import Path

import pytest

from deepmed.core.backups import upkeep
from deepmed.core.backups.service import BackupService
from deepmed.core.chores import Seldom
from deepmed.core.home import Home
from deepmed.features.drawings.catalogue import DrawingCatalogue
from deepmed.features.drawings.data_export.expiry import delete_old
from deepmed.features.drawings.data_export.service import DataExport
from factories.backups import add_drawing, pictures

HOUR = 3600


def age(home: Home, key: str, hours: float) -> None:
    path = Path(home.settings.home) / "files" / key
    moment = time.time() - hours * HOUR
    os.utime(path, (moment, moment))


@pytest.mark.req("D-21.1")
def test_what_nobody_needs_goes_and_the_rest_stays(opened: Home, service: BackupService) -> None:
    add_drawing(opened)
    kept = pictures(opened)
    for key, hours in (
        ("uploads/drawings/orphan.png", 2.0),
        ("uploads/drawings/young.png", 0.1),
        ("uploads/drawings/half.png#1", 2.0),
    ):
        path = opened.settings.home / "files" / key
        path.write_bytes(b"12345678")
        age(opened, key, hours)
    made = DataExport(opened).make("json", include_embeddings=False)
    key = next(opened.storage.list_files(upkeep.EXPORTS)).key
    age(opened, key, 25)
    (key,) = kept
    age(opened, key, 1000)
    left = service.folder.root / ".work" / "x"
    left.mkdir(parents=True)
    (left / "database.db").write_bytes(b"1234")
    swept = upkeep.sweep(opened)
    assert (swept.orphaned, swept.temporary) == (1, 3)
    assert swept.freed_bytes == 8 + made.size + 4
    assert pictures(opened) == kept
    assert opened.storage.exists("uploads/drawings/young.png")
    assert upkeep.sweep(opened) == upkeep.Swept(0, 0, 0)


def test_sizes_are_those_of_the_files(opened: Home, service: BackupService) -> None:
    add_drawing(opened)
    opened.storage.put("explanations/map.png", b"x" * 100)
    made = service.create_database_backup()
    for name, size in (("jobs/1/half.bin", 30), ("xray/runs/2/images/3.png", 12)):
        path = opened.settings.home / name
        path.parent.mkdir(parents=True)
        path.write_bytes(b"x" * size)
    found = upkeep.places(opened)
    assert (found["working"].size_bytes, found["working"].file_count) == (42, 2)
    (picture,) = pictures(opened).values()
    assert (found["uploads"].size_bytes, found["uploads"].file_count) == (len(picture), 1)
    assert (found["static"].size_bytes, found["static"].file_count) == (100, 1)
    assert (found["backups"].size_bytes, found["backups"].file_count) == (made.file.size, 1)
    place = upkeep.database_place(opened)
    files = [opened.settings.home / f"deepmed.db{end}" for end in ("", "-wal")]
    assert place.size_bytes == sum(path.stat().st_size for path in files if path.exists())
    assert place.path == "deepmed.db"


@pytest.mark.req("D-30.2")
def test_exports_of_data_go_after_a_day_and_with_what_is_in_them(
    opened: Home, other_owner_id: int
) -> None:
    mine, theirs = DataExport(opened), DataExport(opened.for_owner(other_owner_id))
    add_drawing(opened)
    for export in (mine, theirs):
        export.make("json", include_embeddings=False)
    keys = [stored.key for stored in opened.storage.list_files("data-exports")]
    old = next(key for key in keys if f"/{opened.owner_id}/" in key)
    age(opened, old, 23)
    assert delete_old(opened) == 0
    age(opened, old, 25)
    chore = Seldom(delete_old, 600)
    assert (chore(opened), chore(opened)) == (1, 0)
    mine.make("csv", include_embeddings=False)
    DrawingCatalogue(opened.database, opened.storage, opened.owner_id).delete_drawing(1)
    left = [stored.key for stored in opened.storage.list_files("data-exports")]
    assert left == [key for key in keys if key != old]
