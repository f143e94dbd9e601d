"""Sealed pieces: what comes out is what went in, and nothing else comes out at all."""

import io
import random
from pathlib import Path

import pytest

from deepmed.core.backups import sealing
from deepmed.core.backups.errors import BackupRefusedError, PassphraseError
from deepmed.core.backups.sealing import PIECE, TAG, SealedReader, SealedWriter

PASSPHRASE = "correct horse battery"  # noqa: S105 - of these tests
HEADER = 41


@pytest.fixture(autouse=True)
def _cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sealing, "LOG_COST", 4)


def sealed(content: bytes, passphrase: str = PASSPHRASE) -> bytes:
    target = io.BytesIO()
    with SealedWriter(target, passphrase) as writer:
        for start in range(0, len(content), 100_003):
            writer.write(content[start : start + 100_003])
    return target.getvalue()


def opened(content: bytes, passphrase: str = PASSPHRASE) -> bytes:
    return io.BufferedReader(SealedReader(io.BytesIO(content), passphrase)).read()


@pytest.mark.req("S-10.1")
@pytest.mark.parametrize("size", [0, 1, PIECE - 1, PIECE, PIECE + 1, 2 * PIECE, 2 * PIECE + 7])
def test_what_goes_in_comes_out(size: int) -> None:
    content = random.Random(size).randbytes(size)
    closed = sealed(content)
    assert opened(closed) == content
    assert size < 8 or content[:64] not in closed


def test_any_place_can_be_read() -> None:
    content = random.Random(0).randbytes(3 * PIECE + 5)
    reader = io.BufferedReader(SealedReader(io.BytesIO(sealed(content)), PASSPHRASE))
    for start, length in ((PIECE - 3, 6), (3 * PIECE + 1, 100), (0, 4), (2 * PIECE, PIECE)):
        reader.seek(start)
        assert reader.read(length) == content[start : start + length]
    assert reader.seek(-5, io.SEEK_END) == len(content) - 5
    assert reader.read() == content[-5:]


@pytest.mark.req("S-10.1")
def test_another_passphrase_opens_nothing() -> None:
    with pytest.raises(PassphraseError, match="does not open"):
        opened(sealed(b"x" * 10), "another passphrase")


@pytest.mark.req("S-10.1")
def test_no_two_are_alike() -> None:
    assert sealed(b"the same") != sealed(b"the same")


WHOLE = bytes(range(256)) * (PIECE // 64)  # four pieces
FIRST, SECOND = HEADER, HEADER + PIECE + TAG


def swapped(closed: bytes) -> bytes:
    length = PIECE + TAG
    parts = [closed[at : at + length] for at in range(HEADER, len(closed), length)]
    parts[1], parts[2] = parts[2], parts[1]
    return closed[:HEADER] + b"".join(parts)


@pytest.mark.parametrize(
    "change",
    [
        lambda closed: closed[:-1],
        lambda closed: closed[: -(PIECE + TAG)],
        lambda closed: closed[: HEADER + 5],
        lambda closed: closed + b"\0",
        swapped,
        lambda closed: closed[:SECOND] + bytes([closed[SECOND] ^ 1]) + closed[SECOND + 1 :],
        lambda closed: closed[:-1] + bytes([closed[-1] ^ 1]),
        lambda closed: closed[:20] + bytes([closed[20] ^ 1]) + closed[21:],
        lambda closed: closed[:0],
    ],
    ids=["cut", "piece cut", "head", "longer", "swapped", "bit", "last bit", "salt", "empty"],
)
def test_what_was_changed_is_refused(change: object) -> None:
    closed = change(sealed(WHOLE))  # type: ignore[operator]  # one of the functions above
    with pytest.raises((BackupRefusedError, PassphraseError)):
        opened(closed)


def test_a_header_may_not_ask_for_the_whole_memory() -> None:
    closed = bytearray(sealed(b"x"))
    closed[16] = 30
    with pytest.raises(BackupRefusedError, match="header"):
        opened(bytes(closed))


def test_sealed_files_are_known(tmp_path: Path) -> None:
    (tmp_path / "sealed").write_bytes(sealed(b""))
    (tmp_path / "plain").write_bytes(b"PK")
    assert sealing.is_sealed_file(tmp_path / "sealed")
    assert not sealing.is_sealed_file(tmp_path / "plain")
