import hashlib
import os
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from deepmed.kit.errors import (
    ConfigurationError,
    ConflictError,
    NotFoundError,
    PathRefusedError,
    StorageError,
)
from deepmed.kit.storage import FileStorageService

CONTENT = bytes(range(256)) * 40


@pytest.fixture(params=["file", "memory", "s3"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> FileStorageService:
    if request.param == "s3":
        return FileStorageService(request.getfixturevalue("bucket"))
    url = (tmp_path / "store").as_uri() if request.param == "file" else "memory:///"
    return FileStorageService(url)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "folder with space"


@pytest.fixture
def local(folder: Path) -> FileStorageService:
    return FileStorageService(folder.as_uri())


@pytest.mark.req("P-5.1")
def test_put_get_stream_range_list_and_delete(storage: FileStorageService) -> None:
    written = storage.put("a/b/c.bin", CONTENT)
    assert (written.size, written.sha256) == (10_240, hashlib.sha256(CONTENT).hexdigest())
    assert storage.get("a/b/c.bin") == CONTENT
    assert b"".join(storage.stream("a/b/c.bin", chunk_size=1000)) == CONTENT
    assert storage.get_range("a/b/c.bin", 100, 50) == CONTENT[100:150]
    assert [(found.key, found.size) for found in storage.list_files("a")] == [("a/b/c.bin", 10_240)]
    assert list(storage.list_files("other")) == []
    assert storage.exists("a/b/c.bin")
    assert storage.delete("a/b/c.bin")
    assert not storage.delete("a/b/c.bin")
    assert not storage.exists("a/b/c.bin")


@pytest.mark.req("P-5.1")
@pytest.mark.parametrize(
    ("start", "length"), [(0, 0), (0, 10_240), (10_000, 9_999), (10_240, 5), (99_999, 1)]
)
def test_a_range_ends_where_the_file_ends(
    storage: FileStorageService, start: int, length: int
) -> None:
    storage.put("f", CONTENT)
    assert storage.get_range("f", start, length) == CONTENT[start : start + length]


@pytest.mark.req("P-5.1")
def test_pieces_are_hashed_as_they_pass(storage: FileStorageService) -> None:
    written = storage.put("pieces", (CONTENT[at : at + 999] for at in range(0, 10_240, 999)))
    assert written.sha256 == hashlib.sha256(CONTENT).hexdigest()
    assert storage.get("pieces") == CONTENT


def broken_source() -> Iterator[bytes]:
    yield CONTENT * 1000
    raise RuntimeError("the sender went away")


@pytest.mark.req("P-5.1")
def test_a_write_that_breaks_off_leaves_the_old_file(storage: FileStorageService) -> None:
    storage.put("f", b"old")
    with pytest.raises(RuntimeError, match="went away"):
        storage.put("f", broken_source())
    assert storage.get("f") == b"old"
    assert [found.key for found in storage.list_files()] == ["f"]


@pytest.mark.req("P-5.1")
def test_a_reader_never_sees_half_a_file(local: FileStorageService) -> None:
    versions = [bytes([number]) * 300_000 for number in range(4)]
    local.put("f", versions[0])
    seen = []

    def read() -> None:
        seen.extend(local.get("f") for _ in range(60))

    reader = threading.Thread(target=read)
    reader.start()
    for turn in range(60):
        local.put("f", versions[turn % 4])
    reader.join()
    assert len(seen) == 60
    assert all(content in versions for content in seen)


@pytest.mark.req("P-5.1")
def test_content_and_name_are_on_disk_before_put_returns(
    local: FileStorageService, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flushed = []
    real = os.fsync

    def record(descriptor: int) -> None:
        flushed.append(str(Path(f"/proc/self/fd/{descriptor}").readlink()))
        real(descriptor)

    monkeypatch.setattr(os, "fsync", record)
    local.put("a/b/f", CONTENT)
    assert flushed == [str(folder / name) for name in ("a/b/f", "a/b", "a", ".")]
    flushed.clear()
    local.put("a/b/g", CONTENT)
    assert flushed == [str(folder / name) for name in ("a/b/g", "a/b")]


@pytest.mark.skipif(os.name != "posix", reason="a file that is open cannot be deleted elsewhere")
def test_a_file_that_is_deleted_right_after_it_was_written_is_no_error_of_the_writer(
    local: FileStorageService, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.open

    def too_late(path: Path, flags: int) -> int:
        (folder / "a" / "f").unlink(missing_ok=True)
        return real(path, flags)

    monkeypatch.setattr(os, "open", too_late)
    assert local.put("a/f", CONTENT).size == len(CONTENT)
    assert not local.exists("a/f")


def test_a_taken_key_is_kept_when_overwriting_is_not_meant(storage: FileStorageService) -> None:
    storage.put("f", b"first", overwrite=False)
    with pytest.raises(ConflictError):
        storage.put("f", b"second", overwrite=False)
    assert storage.get("f") == b"first"


@pytest.mark.parametrize("ask", ["get", "stream", "get_file_info", "get_range"])
def test_a_missing_file_is_said_to_be_missing(storage: FileStorageService, ask: str) -> None:
    if ask == "get_file_info":
        assert storage.get_file_info("none") is None
        return
    with pytest.raises(NotFoundError, match="none"):
        getattr(storage, ask)("none", *((0, 1) if ask == "get_range" else ()))


@pytest.mark.parametrize(
    "key",
    [
        *("", "/etc/passwd", "../x", "a/../../x", "a/./b", "a//b", "a\\b", "a\0b", "a\nb"),
        *("C:/x", "a/", "name.bin#1", "x" * 256),
    ],
)
def test_a_key_that_is_no_plain_relative_path_is_refused(
    storage: FileStorageService, key: str
) -> None:
    for call in (storage.get, storage.delete, storage.exists, lambda key: storage.put(key, b"")):
        with pytest.raises(PathRefusedError):
            call(key)
    assert list(storage.list_files()) == []


def test_a_link_that_leads_out_of_the_store_is_refused(
    local: FileStorageService, folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "secret").write_text("secret")
    (folder / "link").symlink_to(tmp_path / "secret")
    with pytest.raises(PathRefusedError, match="link"):
        local.get("link")


def test_a_local_folder_is_for_its_user_alone(local: FileStorageService, folder: Path) -> None:
    local.put("f", b"")
    assert folder.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("url", ["gopher://x/y", "nonsense", "file:///proc/none/x"])
def test_a_url_that_cannot_be_used_names_the_setting(url: str) -> None:
    with pytest.raises(ConfigurationError, match="DEEPMED_STORAGE_URL"):
        FileStorageService(url)


def test_remote_stores_are_opened_by_url(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SKIP_SIGNATURE", "true")
    assert "bucket" in repr(FileStorageService("s3://bucket/prefix")._store)


def test_a_store_that_cannot_write_says_what_to_do(local: FileStorageService, folder: Path) -> None:
    (folder / "taken").write_text("a file where a folder is needed")
    with pytest.raises(StorageError, match="Check the store"):
        local.put("taken/f", b"")


@pytest.mark.req("P-5.1")
def test_the_sweep_removes_what_no_row_names_and_spares_what_is_new(
    storage: FileStorageService,
) -> None:
    for name in ("kept", "orphan"):
        storage.put(f"drawings/{name}", b"")
    storage.put("models/other", b"")
    assert storage.sweep_orphans(["drawings/kept"], "drawings", timedelta(hours=1)) == []
    swept = storage.sweep_orphans(["drawings/kept"], "drawings", timedelta(0))
    assert swept == ["drawings/orphan"]
    assert {found.key for found in storage.list_files()} == {"drawings/kept", "models/other"}


@pytest.mark.req("P-5.1")
def test_the_sweep_finds_half_written_files_of_killed_processes(
    local: FileStorageService, folder: Path
) -> None:
    local.put("drawings/kept", b"")
    (folder / "drawings/half.png#1").write_bytes(b"half")
    assert local.sweep_orphans(["drawings/kept"], "drawings", timedelta(hours=1)) == []
    assert local.sweep_orphans(["drawings/kept"], "drawings", timedelta(0)) == [
        "drawings/half.png#1"
    ]
    assert [path.name for path in (folder / "drawings").iterdir()] == ["kept"]


def test_old_files_are_cleaned_up(local: FileStorageService, folder: Path) -> None:
    for name in ("old", "new"):
        local.put(f"exports/{name}", b"")
    os.utime(folder / "exports/old", (0, 0))
    assert local.cleanup_old_files("exports", max_age_days=1) == 1
    assert [found.key for found in local.list_files()] == ["exports/new"]


def test_statistics_information_and_addresses(storage: FileStorageService) -> None:
    storage.put("uploads/a b.png", b"123")
    storage.put("top", b"4")
    assert storage.get_storage_stats() == {
        "file_count": 2,
        "total_size_bytes": 4,
        "directories": {
            "uploads": {"file_count": 1, "total_size_bytes": 3},
            "": {"file_count": 1, "total_size_bytes": 1},
        },
    }
    info = storage.get_file_info("uploads/a b.png")
    assert info is not None
    assert (info["filename"], info["file_size"]) == ("a b.png", 3)
    assert storage.get_file_url("uploads/a b.png", "/static/") == "/static/uploads/a%20b.png"


@pytest.mark.parametrize(
    ("original", "extension"),
    [("My Drawing.PNG", ".png"), ("none", ""), ("../../evil.sh\0.png", ".png"), ("a.png/..", "")],
)
def test_a_generated_name_keeps_only_the_extension(
    storage: FileStorageService, original: str, extension: str
) -> None:
    names = {storage.generate_unique_filename(original, "x_") for _ in range(50)}
    assert len(names) == 50
    for name in names:
        assert name.startswith("x_20")
        assert len(name) == len("x_20260101_000000_12345678") + len(extension)
        assert name.endswith(extension)
