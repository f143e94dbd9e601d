"""The file store in a bucket: what a folder does by itself, and what only a network does."""

import logging
import traceback
from collections.abc import Callable, Iterator
from datetime import timedelta
from urllib.request import urlopen

import pytest

from deepmed.kit import object_stores
from deepmed.kit.errors import ConfigurationError, DeepMedError, StorageError
from deepmed.kit.storage import FileStorageService

SECRET = "canary-of-the-bucket"  # noqa: S105 - the tests' own
PIECE = b"p" * (1 << 20)


@pytest.mark.req("P-5.1")
def test_a_large_file_goes_and_comes_in_pieces(bucket: str) -> None:
    storage = FileStorageService(bucket)
    written = storage.put("models/large.bin", iter([PIECE] * 12))
    assert written.size == 12 << 20
    pieces = list(storage.stream("models/large.bin"))
    assert len(pieces) > 1
    assert b"".join(pieces) == PIECE * 12
    assert storage.get_range("models/large.bin", (12 << 20) - 3, 10) == b"ppp"


@pytest.mark.req("P-5.1")
def test_a_write_that_breaks_off_leaves_nothing_in_the_bucket(bucket: str, s3: str) -> None:
    storage = FileStorageService(bucket)

    def breaks_off() -> Iterator[bytes]:
        yield from [PIECE] * 11
        raise RuntimeError

    with pytest.raises(RuntimeError):
        storage.put("models/large.bin", breaks_off())
    assert not storage.exists("models/large.bin")
    name = bucket.split("/")[2]
    with urlopen(f"{s3}/{name}?uploads") as answer:  # noqa: S310 - our own server
        assert b"<Upload>" not in answer.read()


@pytest.mark.req("P-5.1")
def test_two_folders_of_a_bucket_do_not_touch(bucket: str) -> None:
    one, other = FileStorageService(f"{bucket}/one"), FileStorageService(f"{bucket}/other")
    one.put("a/f", b"1")
    other.put("a/f", b"2")
    assert one.sweep_orphans([], "a", timedelta(seconds=-5)) == ["a/f"]
    assert other.get("a/f") == b"2"
    assert [stored.key for stored in other.list_files()] == ["a/f"]


@pytest.mark.req("P-5.1")
def test_the_sweep_takes_what_no_row_names_from_the_bucket(bucket: str) -> None:
    storage = FileStorageService(bucket)
    for name in ("known", "orphan"):
        storage.put(f"a/{name}", b"")
    assert storage.sweep_orphans(["a/known"], "a") == []  # too young
    assert storage.sweep_orphans(["a/known"], "a", timedelta(seconds=-5)) == ["a/orphan"]
    assert storage.exists("a/known")


@pytest.mark.parametrize("deed", ["check", "put", "get"])
def test_a_missing_bucket_is_told_as_what_it_is(deed: str, s3: str) -> None:
    storage = FileStorageService("s3://nobody-made-this/x")
    deeds: dict[str, Callable[[], object]] = {
        "check": storage.check,
        "put": lambda: storage.put("f", b""),
        "get": lambda: storage.get("f"),
    }
    with pytest.raises(StorageError, match=r"bucket.*not there.*DEEPMED_STORAGE_URL"):
        deeds[deed]()


def test_a_store_that_answers_passes_its_check(bucket: str) -> None:
    FileStorageService(bucket).check()


@pytest.mark.req("P-5.1")
def test_without_credentials_nobody_is_asked_for_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """The library would ask the network of the machine, which may be nobody's to ask."""
    for name in object_stores._SIGNING:
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(ConfigurationError, match=r"no credentials.*AWS_ACCESS_KEY_ID"):
        FileStorageService("s3://bucket/x")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY", raising=False)
    with pytest.raises(ConfigurationError, match="AWS_SECRET_ACCESS_KEY is not"):
        FileStorageService("s3://bucket/x")


def test_a_plain_way_must_be_asked_for(bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ALLOW_HTTP")
    with pytest.raises(ConfigurationError, match="AWS_ALLOW_HTTP=true"):
        FileStorageService(bucket)


@pytest.mark.req("P-2.1")
@pytest.mark.parametrize(
    "url",
    [f"s3://key:{SECRET}@bucket/x", f"s3://bucket/x?secret_access_key={SECRET}"],
)
def test_credentials_in_the_url_are_refused_unsaid(url: str) -> None:
    with pytest.raises(ConfigurationError, match="by the environment") as caught:
        FileStorageService(url)
    assert SECRET not in str(caught.value)


def test_a_store_out_of_reach_is_told_soon(bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setitem(object_stores.RETRIES, "max_retries", 1)
    with pytest.raises(StorageError, match=r"could not be (read|listed|written)"):
        FileStorageService(bucket).check()


@pytest.mark.req("P-2.1")
def test_credentials_are_nowhere_to_be_read(
    bucket: str, s3: str, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    storage, missing = FileStorageService(bucket), FileStorageService("s3://nobody-made-this/x")
    storage.put("f", b"1")
    said = [repr(storage), repr(storage._store), str(vars(storage))]
    for deed in (missing.check, lambda: storage.get("nothing"), lambda: missing.put("f", b"")):
        with pytest.raises(DeepMedError) as caught:
            deed()
        said.append("".join(traceback.format_exception(caught.value)))
    printed = capfd.readouterr()
    assert SECRET not in "".join([*said, caplog.text, printed.out, printed.err])
