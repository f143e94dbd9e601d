"""ZIPs as they are kept: each owner's apart, whole or not at all."""

import io
from dataclasses import replace
from pathlib import Path

import pytest

from deepmed.core.home import Home
from deepmed.features.xray.uploads import Uploads, label_of, received
from deepmed.kit.errors import NotFoundError, StorageError, TooLargeError, ValidationError

ZIP = b"PK\3\4 and so on"


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("chests.zip", "chests.zip"),
        ("../../etc/a.ZIP", "a.zip"),
        ("C:\\films\\b.zip", "b.zip"),
        ("two\nlines.zip", "twolines.zip"),
        ("..zip", "images.zip"),
        ("x" * 300 + ".zip", "x" * 100 + ".zip"),
        (None, "images.zip"),
    ],
)
def test_a_name_is_a_label_and_no_path(name: str | None, label: str) -> None:
    assert label_of(name) == label


def test_what_is_received_is_there_until_it_is_deleted(empty: Home) -> None:
    uploads = Uploads(empty)
    first = uploads.receive("a.zip", io.BytesIO(ZIP))
    second = uploads.receive("a.zip", io.BytesIO(ZIP + b"!"))
    assert uploads.get(first.uid).path.read_bytes() == ZIP
    assert {each.uid for each in uploads.listed()} == {first.uid, second.uid}
    assert uploads.at(second.path) == second
    uploads.delete(first.uid)
    assert [each.uid for each in uploads.listed()] == [second.uid]
    with pytest.raises(NotFoundError):
        uploads.get(first.uid)


def test_nothing_but_an_upload_is_found(empty: Home) -> None:
    for uid in ("..", "../1", "", "/etc", "a" * 32):
        with pytest.raises(NotFoundError):
            Uploads(empty).get(uid)
    assert Uploads(empty).at(Path("/etc/passwd")) is None


@pytest.mark.req("S-3.1")
def test_another_owner_has_others(empty: Home) -> None:
    kept = Uploads(empty).receive("a.zip", io.BytesIO(ZIP))
    other = Uploads(empty.for_owner(empty.owner_id + 1))
    assert other.listed() == []
    with pytest.raises(NotFoundError):
        other.get(kept.uid)
    assert other.at(kept.path) is None


def test_what_is_no_zip_or_too_large_leaves_nothing(empty: Home) -> None:
    tight = replace(empty, settings=empty.settings.model_copy(update={"max_upload_bytes": 5}))
    with pytest.raises(ValidationError, match="no ZIP"):
        Uploads(empty).receive("a.zip", io.BytesIO(b"\x89PNG"))
    with pytest.raises(TooLargeError, match="nothing of it"):
        Uploads(tight).receive("a.zip", io.BytesIO(ZIP))
    assert not Uploads(empty).folder.exists()


def test_what_one_person_keeps_and_the_disk_have_bounds(empty: Home) -> None:
    def bounded(**settings: int) -> Uploads:
        return Uploads(replace(empty, settings=empty.settings.model_copy(update=settings)))

    Uploads(empty).receive("a.zip", io.BytesIO(ZIP))
    with pytest.raises(TooLargeError, match=r"your data sets have.*delete"):
        bounded(max_kept_upload_bytes=2 * len(ZIP) - 1).receive("b.zip", io.BytesIO(ZIP))
    with pytest.raises(StorageError, match="are kept for other work"):
        bounded(reserved_disk_bytes=2**60).receive("b.zip", io.BytesIO(ZIP))
    bounded(max_kept_upload_bytes=2 * len(ZIP)).receive("c.zip", io.BytesIO(ZIP))
    assert len(Uploads(empty).listed()) == 2


@pytest.mark.parametrize("error", [MemoryError, KeyboardInterrupt])
def test_whatever_ends_it_nothing_stays(
    empty: Home, monkeypatch: pytest.MonkeyPatch, error: type[BaseException]
) -> None:
    def fail(*given: object) -> None:
        raise error

    for place in (f"{received.__name__}.names_in", "shutil.copyfileobj"):
        monkeypatch.setattr(place, fail)
        with pytest.raises(error):
            received.receive_archive(empty, "a.zip", io.BytesIO(ZIP))
        assert list(Uploads(empty).folder.iterdir()) == []
