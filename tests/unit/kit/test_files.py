import os
from pathlib import Path

import pytest

from deepmed.kit.errors import StorageError
from deepmed.kit.files import export, write_atomically


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_file_is_written_with_the_folders_it_needs(tmp_path: Path) -> None:
    write_atomically(tmp_path / "new" / "deep" / "report.html", b"one")
    assert (tmp_path / "new" / "deep" / "report.html").read_bytes() == b"one"


def test_a_file_is_replaced_as_a_whole(tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    path.write_bytes(b"a much longer file than the next one")
    write_atomically(path, b"short")
    assert path.read_bytes() == b"short"
    assert names(tmp_path) == ["report.html"]


@pytest.mark.parametrize("broken", ["fsync", "replace"])
def test_a_write_that_fails_leaves_what_was_there_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    def full(*_arguments: object) -> None:
        raise OSError(28, "No space left on device")

    path = tmp_path / "report.html"
    path.write_bytes(b"before")
    monkeypatch.setattr(*((os, "fsync", full) if broken == "fsync" else (Path, "replace", full)))
    with pytest.raises(OSError, match="No space left"):
        write_atomically(path, b"after")
    assert path.read_bytes() == b"before"
    assert names(tmp_path) == ["report.html"]


def test_the_content_is_on_disk_before_it_gets_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    events: list[str] = []
    sync, replace = os.fsync, Path.replace
    monkeypatch.setattr(os, "fsync", lambda file: (events.append("synced"), sync(file))[1])
    monkeypatch.setattr(
        Path, "replace", lambda self, to: (events.append("named"), replace(self, to))[1]
    )
    write_atomically(tmp_path / "report.html", b"content")
    assert events == ["synced", "named"]


@pytest.mark.parametrize("place", ["folder", "file/report.html"])
def test_what_cannot_be_written_where_asked_is_said_in_words(tmp_path: Path, place: str) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_bytes(b"in the way")
    with pytest.raises(StorageError, match=r"cannot be written: .*unchanged.*another place"):
        export(tmp_path / place, b"content")
    assert names(tmp_path) == ["file", "folder"]
    assert (tmp_path / "file").read_bytes() == b"in the way"


def test_an_export_says_where_it_is(tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    assert export(path, b"content") == path
    assert path.read_bytes() == b"content"


def test_what_a_killed_writer_left_goes_with_the_next_write_once_it_is_old(tmp_path: Path) -> None:
    old, young = (tmp_path / f".report.html.{sign * 32}" for sign in "ab")
    others = [tmp_path / ".report.html.notes", tmp_path / f".other.html.{'a' * 32}"]
    for path in (old, young, *others):
        path.write_bytes(b"unfinished")
    for path in (old, *others):
        os.utime(path, (0, 0))
    write_atomically(tmp_path / "report.html", b"content")
    assert names(tmp_path) == [*sorted(path.name for path in (*others, young)), "report.html"]
