"""Drawings brought in for real: database, file store, bad input, crashes and competition."""

import io
import os
import signal
import struct
import subprocess
import sys
import textwrap
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sqlalchemy import select

from deepmed.core.audit.repository import history
from deepmed.core.datasets.service import DatasetService
from deepmed.features.drawings.importing import (
    BatchRefusedError,
    DrawingImporter,
    ImportReport,
    UploadProgress,
)
from deepmed.features.drawings.tables import Child, Drawing, ImportRun
from deepmed.kit.archives import ArchiveRefusedError
from deepmed.kit.database import Database
from deepmed.kit.errors import StorageError
from deepmed.kit.pictures import pixel_hash, read_stored
from deepmed.kit.settings import Settings
from deepmed.kit.storage import FileStorageService

HEADER = "filename,age_years,subject,child_id\n"


@pytest.fixture
def importer(
    database: Database, storage: FileStorageService, settings: Settings, owner_id: int
) -> DrawingImporter:
    return DrawingImporter(database, storage, settings, owner_id)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "my set"
    place.mkdir()
    return place


def page(seed: int, side: int = 48) -> np.ndarray:
    """A page with strokes that no other seed makes."""
    generator = np.random.default_rng(seed)
    pixels = np.full((side, side, 3), 255, np.uint8)
    for top, left in generator.integers(0, side - 12, (5, 2)):
        pixels[top : top + 3, left : left + 12] = generator.integers(0, 180, 3)
    return pixels


def saved(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def picture(seed: int) -> bytes:
    return saved(Image.fromarray(page(seed)))


def fill(folder: Path, count: int) -> None:
    """A folder of drawings by half as many children, with its table."""
    lines = []
    for number in range(count):
        (folder / f"d{number}.png").write_bytes(picture(number))
        lines.append(f"d{number}.png,{4 + number % 5},cat,k{number // 2}\n")
    (folder / "metadata.csv").write_text(HEADER + "".join(lines))


def rows(database: Database) -> list[Drawing]:
    with database.read() as session:
        found = list(session.scalars(select(Drawing).order_by(Drawing.id)))
        session.expunge_all()
        return found


def files(storage: FileStorageService) -> set[str]:
    return {stored.key for stored in storage.list_files("uploads")}


def assert_whole(database: Database, storage: FileStorageService, count: int) -> None:
    """Each object once, each file there and what its row says, nothing besides."""
    drawings = rows(database)
    assert len(drawings) == count
    assert len({drawing.source_hash for drawing in drawings}) == count
    for drawing in drawings:
        assert pixel_hash(read_stored(storage.get(drawing.file_path))) == drawing.pixel_hash
    assert files(storage) == {drawing.file_path for drawing in drawings}


@pytest.mark.req("D-1.1")
@pytest.mark.req("D-2.1")
def test_a_folder_is_stored_with_all_that_is_known(
    importer: DrawingImporter, database: Database, storage: FileStorageService, folder: Path
) -> None:
    for number, name in enumerate(("a.png", "b.png", "c.png")):
        (folder / name).write_bytes(picture(number))
    (folder / "metadata.csv").write_text(
        "filename,age_years,subject,expert_label,drawing_tool,prompt,child_id\n"
        "a.png,6y 4m,Ice Cream,Concern,crayon,Draw it,k1\nb.png,7,unicorn,,,,k1\nc.png,5,,,,,\n"
    )
    steps: list[tuple[int, int]] = []
    report = importer.import_source(folder, progress=lambda *step: steps.append(step))
    assert [stored.name for stored in report.stored] == ["a.png", "b.png", "c.png"]
    assert report.without_child_id == 1
    assert steps == [(3, 3)]
    first, second, third = rows(database)
    assert (first.age_years, first.age_precision) == (6 + 4 / 12, "month")
    assert (first.subject, first.expert_label) == ("ice cream", "concern")
    assert (first.drawing_tool, first.prompt, first.original_name) == ("crayon", "Draw it", "a.png")
    assert (second.age_years, second.age_precision, second.subject) == (7, "year", "unicorn")
    assert (first.width, first.height, first.is_blank) == (48, 48, False)
    assert 0 < first.ink_coverage < 1
    assert first.child_id == second.child_id != third.child_id
    assert (first.child.code, third.child.code) == ("k1", None)
    assert_whole(database, storage, 3)


@pytest.mark.req("D-1.1")
def test_a_single_file_and_a_zip_are_stored_too(
    importer: DrawingImporter, database: Database, storage: FileStorageService, tmp_path: Path
) -> None:
    single = tmp_path / "one.bmp"
    single.write_bytes(saved(Image.fromarray(page(1)), "BMP"))
    assert len(importer.import_source(single, defaults={"age_years": "6"}).stored) == 1
    packed = tmp_path / "set.zip"
    with zipfile.ZipFile(packed, "w") as archive:
        for number in range(2, 5):
            data = saved(Image.fromarray(page(number)), "JPEG")
            archive.writestr(f"set/cat_{number}_k{number}.jpg", data)
    report = importer.import_source(packed, name_pattern="{subject}_{age}_{child_id}")
    assert len(report.stored) == 3
    assert_whole(database, storage, 4)


def chunk(name: bytes, data: bytes) -> bytes:
    checksum = struct.pack(">I", zlib.crc32(name + data))
    return struct.pack(">I", len(data)) + name + data + checksum


def every_kind(folder: Path) -> dict[str, str]:
    """Every bad file of the list, and every good one of a rare kind; returns the refusals."""
    transparent = np.dstack([page(5), np.zeros((48, 48), np.uint8)])
    rotated = Image.Exif()
    rotated[0x0112] = 6
    huge = struct.pack(">IIBBBBB", 50_000, 50_000, 8, 2, 0, 0, 0)
    frames = [Image.fromarray(page(seed)) for seed in (20, 21)]
    contents = {
        "good.png": picture(0),
        "empty.png": b"",
        "truncated.png": picture(1)[:-40],
        "truncated.jpg": saved(Image.fromarray(page(2)), "JPEG")[:-60],
        "huge.png": b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", huge) + chunk(b"IDAT", bytes(9)),
        "text.png": b"This is a text.",
        "page.png": b"<html><script>alert(1)</script></html>",
        "animated.png": saved(frames[0], save_all=True, append_images=frames[1:]),
        "small.png": saved(Image.new("RGB", (20, 20))),
        "heavy.png": picture(3) + bytes(11 << 20),
        "cmyk.jpg": saved(Image.fromarray(page(6)).convert("CMYK"), "JPEG", quality=95),
        "sixteen.png": saved(Image.fromarray(page(7)[..., 0].astype(np.uint16) * 257)),
        "palette.png": saved(Image.fromarray(page(8)).quantize(16)),
        "transparent.png": saved(Image.fromarray(transparent)),
        "blank.png": saved(Image.new("RGB", (48, 48), "white")),
        "rotated.jpg": saved(Image.fromarray(page(9, 64)[:48]), "JPEG", exif=rotated),
        "copy of good.png": picture(0),
        "good again.bmp": saved(Image.fromarray(page(0)), "BMP"),
    }
    for name, data in contents.items():
        (folder / name).write_bytes(data)
    lines = [f"{name};6;Bär;kind {number}\n" for number, name in enumerate(contents)]
    text = HEADER.replace(",", ";") + "".join(lines) + "gone.png;5;;\n"
    (folder / "metadata.csv").write_bytes(text.encode("utf-16"))
    return {
        "empty.png": "empty",
        "truncated.png": "damaged",
        "truncated.jpg": "damaged",
        "huge.png": "large",
        "text.png": "no picture",
        "page.png": "web page",
        "animated.png": "animated",
        "small.png": "at least 32",
        "heavy.png": "MiB",
        "gone.png": "no such file",
    }


@pytest.mark.req("D-1.2")
@pytest.mark.req("D-1.3")
@pytest.mark.req("D-2.3")
def test_one_report_names_every_bad_file_and_the_good_ones_are_stored(
    importer: DrawingImporter, database: Database, storage: FileStorageService, folder: Path
) -> None:
    refusals = every_kind(folder)
    (folder / "notes.txt").write_text("a note")
    report = importer.import_source(folder)
    told = {rejection.name: rejection.reason for rejection in report.rejected}
    assert set(told) == set(refusals)
    for name, words in refusals.items():
        assert words in told[name], name
    assert all(rejection.row for rejection in report.rejected)
    assert report.unknown_files == ["notes.txt"]
    assert "the metadata file was read as utf-16" in report.notes
    assert sorted(report.blank) == ["blank.png", "transparent.png"]
    # The files come in the order of their names, so the first of equal ones is the copy.
    assert [present.name for present in report.already_present] == ["good.png"]
    assert {duplicate.name for duplicate in report.duplicates} == {
        "good again.bmp",
        "transparent.png",
    }
    assert_whole(database, storage, 9 - 1)
    stored = {drawing.original_name: drawing for drawing in rows(database)}
    assert stored["blank.png"].is_blank
    assert not stored["cmyk.jpg"].is_blank
    assert (stored["rotated.jpg"].width, stored["rotated.jpg"].height) == (48, 64)
    sixteen = read_stored(storage.get(stored["sixteen.png"].file_path))
    assert np.array_equal(sixteen[..., 0], page(7)[..., 0])


@pytest.mark.req("D-2.3")
def test_mending_the_bad_files_and_importing_again_completes_the_rest(
    importer: DrawingImporter, database: Database, storage: FileStorageService, folder: Path
) -> None:
    every_kind(folder)
    before = importer.import_source(folder)
    for number, name in enumerate(("empty.png", "truncated.png", "gone.png")):
        (folder / name).write_bytes(picture(40 + number))
    after = importer.import_source(folder)
    assert {stored.name for stored in after.stored} == {"empty.png", "truncated.png", "gone.png"}
    assert len(after.already_present) == len(before.stored) + 1
    conflicts = {each.name: each.conflicts for each in after.already_present if each.conflicts}
    assert conflicts == {"good.png": {"child_id": ["kind 16", "kind 0"]}}
    assert_whole(database, storage, 11)
    assert (before.dataset_version, after.dataset_version) == (1, 2)


@pytest.mark.req("D-2.2")
@pytest.mark.parametrize("age", ["", "-1", "40", "NaN", "six"])
def test_one_picture_without_a_usable_age_keeps_the_whole_batch_out(
    importer: DrawingImporter,
    database: Database,
    storage: FileStorageService,
    folder: Path,
    age: str,
) -> None:
    fill(folder, 30)
    with (folder / "metadata.csv").open("a") as table:
        table.write(f"last.png,{age},cat,k\n")
    (folder / "last.png").write_bytes(picture(99))
    with pytest.raises(BatchRefusedError, match=r"last\.png \(row 32, age_years\)"):
        importer.import_source(folder)
    assert rows(database) == []
    assert files(storage) == set()
    with database.read() as session:
        assert session.scalars(select(Child)).all() == []
        assert session.scalars(select(ImportRun)).all() == []
        assert DatasetService(session, 1).list_datasets() == []


def evil_zips() -> dict[str, Callable[[zipfile.ZipFile], None]]:
    link = zipfile.ZipInfo("link_6_k.png")
    link.external_attr = 0o120777 << 16
    return {
        "traversal": lambda packed: packed.writestr("../x_6_k.png", picture(1)),
        "link": lambda packed: packed.writestr(link, "/etc/passwd"),
        "10,000 entries": lambda packed: (
            [packed.writestr(f"x_6_{n}.png", b"") for n in range(10_000)] and None
        ),
        "bomb": lambda packed: packed.writestr("x_6_k.png", bytes(64 << 20)),
    }


@pytest.mark.req("D-1.1")
@pytest.mark.req("S-9.1")
@pytest.mark.parametrize("kind", ["traversal", "link", "10,000 entries", "bomb"])
def test_an_unsafe_zip_leaves_nothing(
    importer: DrawingImporter,
    database: Database,
    storage: FileStorageService,
    tmp_path: Path,
    kind: str,
) -> None:
    path = tmp_path / "set.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("good_6_k.png", picture(0))
        evil_zips()[kind](packed)
    with pytest.raises(ArchiveRefusedError):
        importer.import_source(path, name_pattern="{subject}_{age}_{child_id}")
    assert rows(database) == []
    assert files(storage) == set()
    assert not (tmp_path / "x_6_k.png").exists()


@pytest.mark.req("S-9.1")
def test_code_in_an_archive_is_never_run(
    importer: DrawingImporter, tmp_path: Path, folder: Path
) -> None:
    witness = tmp_path / "witness"
    code = f"import pathlib; pathlib.Path({str(witness)!r}).touch()"
    pickled = b"cpathlib\nPath.touch\n(cpathlib\nPath\n(V" + str(witness).encode() + b"\ntRtR."
    fill(folder, 2)
    for name in ("setup.py", "conftest.py", "sitecustomize.py", "__init__.py"):
        (folder / name).write_text(code)
    (folder / "weights.pkl").write_bytes(pickled)
    (folder / "drawing.png").write_bytes(pickled)
    with (folder / "metadata.csv").open("a") as table:
        table.write("drawing.png,6,,\n")
    report = importer.import_source(folder)
    assert "no picture" in report.rejected[0].reason
    assert "weights.pkl" in report.unknown_files
    assert not witness.exists()


@pytest.mark.req("D-30.1")
def test_stored_pictures_have_no_metadata_and_names_of_our_own(
    importer: DrawingImporter, database: Database, storage: FileStorageService, tmp_path: Path
) -> None:
    exif = Image.Exif()
    exif[0x010E] = "Maria Example"
    exif.get_ifd(0x8825)[1] = "N"
    single = tmp_path / "Maria Example.jpg"
    single.write_bytes(saved(Image.fromarray(page(1)), "JPEG", exif=exif, comment=b"Maria"))
    importer.import_source(single, defaults={"age_years": 6})
    drawing = rows(database)[0]
    assert "Maria" not in drawing.file_path
    data = storage.get(drawing.file_path)
    assert b"Maria" not in data
    with Image.open(io.BytesIO(data)) as image:
        assert (image.format, dict(image.getexif()), image.info) == ("PNG", {}, {})


def test_other_metadata_for_stored_bytes_is_told_and_the_first_is_kept(
    importer: DrawingImporter, database: Database, folder: Path
) -> None:
    fill(folder, 4)
    importer.import_source(folder)
    table = folder / "metadata.csv"
    table.write_text(table.read_text().replace("d1.png,5,cat,k0", "d1.png,9,dog,k0"))
    report = importer.import_source(folder)
    conflicts = {each.name: each.conflicts for each in report.already_present if each.conflicts}
    assert conflicts == {"d1.png": {"age_years": [5, 9], "subject": ["cat", "dog"]}}
    assert rows(database)[1].age_years == 5
    assert report.dataset_version == 1


@pytest.mark.req("D-2.3")
def test_the_same_pixels_in_other_bytes_are_stored_and_marked(
    importer: DrawingImporter, database: Database, folder: Path
) -> None:
    fill(folder, 2)
    importer.import_source(folder)
    again = folder / "again.bmp"
    again.write_bytes(saved(Image.fromarray(page(1)), "BMP"))
    report = importer.import_source(again, defaults={"age_years": 5})
    first = rows(database)[1]
    assert [each.duplicate_of for each in report.duplicates] == [first.id]
    assert rows(database)[2].duplicate_of == first.id


@pytest.mark.req("P-7.1")
def test_an_import_makes_a_dataset_version_with_card_and_provenance(
    importer: DrawingImporter, database: Database, owner_id: int, folder: Path
) -> None:
    fill(folder, 6)
    first = importer.import_source(folder, licence_note="for this study only")
    assert importer.import_source(folder).dataset_id == first.dataset_id
    (folder / "d5.png").unlink()
    smaller = importer.import_source(folder)
    assert (smaller.dataset_version, smaller.dataset_id) != (1, first.dataset_id)
    with database.read() as session:
        service = DatasetService(session, owner_id)
        dataset = service.get(first.dataset_id or 0)
        assert (dataset.name, dataset.licence_note) == ("my set", "for this study only")
        assert dataset.provenance.startswith("folder my set; imported 20")
        assert dataset.card["drawings"] == 6
        assert dataset.card["children"] == 3
        assert dataset.card["age_precision"] == {"year": 6}
        assert dataset.card["subjects"] == {"cat": 6}
        assert [item.name for item in service.items(dataset.id)] == [f"d{n}.png" for n in range(6)]
    assert {drawing.dataset_id for drawing in rows(database)} == {first.dataset_id}


@pytest.mark.req("P-7.1")
def test_the_provenance_of_an_archive_has_its_hash(
    importer: DrawingImporter, database: Database, owner_id: int, tmp_path: Path
) -> None:
    import hashlib

    path = tmp_path / "set.zip"
    with zipfile.ZipFile(path, "w") as packed:
        packed.writestr("cat_6.png", picture(0))
    report = importer.import_source(path, name_pattern="{subject}_{age}", dataset_name="study 1")
    with database.read() as session:
        dataset = DatasetService(session, owner_id).get(report.dataset_id or 0)
        assert dataset.name == "study 1"
        assert hashlib.sha256(path.read_bytes()).hexdigest() in dataset.provenance


def test_the_run_and_the_audit_trail_keep_counts_and_no_names_of_stored_drawings(
    importer: DrawingImporter, database: Database, owner_id: int, folder: Path
) -> None:
    fill(folder, 3)
    (folder / "d2.png").write_bytes(b"")
    report = importer.import_source(folder)
    with database.read() as session:
        run = session.scalars(select(ImportRun)).one()
        assert (run.status, run.total, run.done) == ("completed", 3, 3)
        assert (run.report["stored"], run.report["rejected"]) == (2, 1)
        assert "d1.png" not in str(run.report)
        event = history(session, owner_id)[0]
        assert (event.action, event.object_id) == ("drawings.import", report.run)
        assert event.details["stored"] == 2


@pytest.mark.req("D-2.3")
def test_progress_is_known_while_an_import_runs_and_afterwards(
    importer: DrawingImporter, database: Database, owner_id: int, other_owner_id: int, folder: Path
) -> None:
    fill(folder, 60)
    seen = []

    def look(_done: int, _total: int) -> None:
        with database.read() as session:
            uid = session.scalars(select(ImportRun.uid)).one()
        seen.append(UploadProgress(database, owner_id).get(uid))

    report = importer.import_source(folder, progress=look)
    assert [each["status"] for each in seen] == [f"processing_file_{n}" for n in (25, 50, 60)]
    assert seen[0]["progress"] == pytest.approx(100 * 25 / 60)
    done = {"progress": 100.0, "status": "completed_60_successful_0_errors"}
    assert importer.progress.get(report.run) == done
    for progress in (
        UploadProgress(database, other_owner_id).get(report.run),
        importer.progress.get("x"),
    ):
        assert progress == {"progress": 0, "status": "not_found"}


def test_an_import_that_fails_says_so_in_its_run(
    importer: DrawingImporter,
    database: Database,
    storage: FileStorageService,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fill(folder, 60)
    puts = iter(range(100))

    def put(*_args: object, **_options: object) -> None:
        if next(puts) == 30:
            raise StorageError("the disk is full")
        original(*_args, **_options)

    original = storage.put
    monkeypatch.setattr(storage, "put", put)
    with pytest.raises(StorageError, match="disk is full"):
        importer.import_source(folder)
    monkeypatch.undo()
    with database.read() as session:
        uid = session.scalars(select(ImportRun.uid)).one()
    assert importer.progress.get(uid)["status"] == "failed_the disk is full"
    assert len(rows(database)) == 25
    importer.import_source(folder)
    importer.sweep(timedelta(0))
    assert_whole(database, storage, 60)


def test_two_owners_have_their_own_drawings_and_children(
    importer: DrawingImporter,
    database: Database,
    storage: FileStorageService,
    settings: Settings,
    other_owner_id: int,
    folder: Path,
) -> None:
    fill(folder, 4)
    importer.import_source(folder)
    report = DrawingImporter(database, storage, settings, other_owner_id).import_source(folder)
    assert len(report.stored) == 4
    assert not report.duplicates
    owners = Counter(drawing.owner_id for drawing in rows(database))
    assert set(owners.values()) == {4}
    with database.read() as session:
        assert len(session.scalars(select(Child)).all()) == 4


def test_the_sweep_spares_what_rows_name_and_what_is_new(
    importer: DrawingImporter, database: Database, storage: FileStorageService, folder: Path
) -> None:
    fill(folder, 2)
    importer.import_source(folder)
    storage.put("uploads/drawings/orphan.png", b"")
    storage.put("models/other.bin", b"")
    assert importer.sweep() == []
    assert importer.sweep(timedelta(0)) == ["uploads/drawings/orphan.png"]
    assert storage.exists("models/other.bin")
    assert_whole(database, storage, 2)


RUN = textwrap.dedent(
    """
    import os, signal, sys
    from pathlib import Path
    from deepmed.app import open_home
    from deepmed.features.drawings.importing import DrawingImporter
    from deepmed.kit.storage import FileStorageService
    from deepmed.core.datasets.service import DatasetService
    from deepmed.features.drawings.importing.runs import UploadProgress

    folder, where, count = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])

    def die_at_call(owner, name, after):
        original, calls = getattr(owner, name), [0]

        def counted(*args, **options):
            calls[0] += 1
            result = original(*args, **options) if after else None
            if calls[0] == count:
                os.kill(os.getpid(), signal.SIGKILL)
            return result if after else original(*args, **options)

        setattr(owner, name, counted)

    if where == "file":
        die_at_call(FileStorageService, "put", True)
    if where == "row":
        die_at_call(UploadProgress, "update", True)
    if where == "commit":
        die_at_call(DrawingImporter, "_store_chunk", True)
    if where == "dataset":
        die_at_call(DatasetService, "register", True)
    with open_home() as home:
        importer = DrawingImporter(home.database, home.storage, home.settings, home.owner_id)
        print("ready", flush=True)
        sys.stdin.readline()
        report = importer.import_source(folder)
        print(len(report.stored), len(report.already_present), len(report.rejected))
    """
)


def start(folder: Path, where: str = "", count: int = 0) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", RUN, str(folder), where, str(count)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )


@pytest.mark.req("D-2.3")
@pytest.mark.parametrize(
    ("where", "count", "left"),
    [("file", 1, 0), ("file", 40, 25), ("row", 2, 25), ("commit", 2, 50), ("dataset", 1, 60)],
)
def test_after_kill_9_the_next_import_completes_the_rest_and_nothing_is_there_twice(
    importer: DrawingImporter,
    database: Database,
    storage: FileStorageService,
    owner_id: int,
    folder: Path,
    where: str,
    count: int,
    left: int,
) -> None:
    fill(folder, 60)
    process = start(folder, where, count)
    process.communicate("\n", timeout=60)
    assert process.returncode == -signal.SIGKILL
    assert len(rows(database)) == left
    for drawing in rows(database):
        assert storage.exists(drawing.file_path)
    report = importer.import_source(folder)
    assert (len(report.stored), len(report.already_present)) == (60 - left, left)
    importer.sweep(timedelta(0))
    assert_whole(database, storage, 60)
    with database.read() as session:
        assert len(DatasetService(session, owner_id).list_datasets()) == 1
        assert {drawing.dataset_id for drawing in session.scalars(select(Drawing))} == {
            report.dataset_id
        }
        statuses = [run.status for run in session.scalars(select(ImportRun).order_by(ImportRun.id))]
        assert statuses == ["superseded", "completed"]


@pytest.mark.req("D-2.3")
def test_two_processes_that_import_the_same_folder_at_once_store_it_once(
    database: Database, storage: FileStorageService, owner_id: int, folder: Path
) -> None:
    fill(folder, 80)
    processes = [start(folder) for _ in range(2)]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    outputs = [process.communicate("\n", timeout=90)[0].split() for process in processes]
    assert [process.returncode for process in processes] == [0, 0]
    stored, present, rejected = (sum(int(output[at]) for output in outputs) for at in range(3))
    assert (stored, present, rejected) == (80, 80, 0)
    assert_whole(database, storage, 80)
    with database.read() as session:
        assert len(session.scalars(select(Child)).all()) == 40
        assert len(DatasetService(session, owner_id).list_datasets()) == 1


@pytest.mark.req("D-1.1")
@pytest.mark.req("D-23.3")
def test_the_real_drawings_come_in_whole(
    importer: DrawingImporter, database: Database, real_drawings_zip: Path
) -> None:
    report: ImportReport = importer.import_source(
        real_drawings_zip, name_pattern="{subject}_sketch_age{age}_{child_id}"
    )
    assert (len(report.stored), report.rejected, report.unknown_files) == (280, [], [])
    drawings = rows(database)
    assert Counter((d.subject, d.age_years) for d in drawings) == {
        (subject, age): 28 for subject in ("bird", "dog") for age in range(4, 9)
    }
    assert not any(drawing.is_blank for drawing in drawings)
    assert all(stored.notes == ("transparent parts set on white",) for stored in report.stored)
