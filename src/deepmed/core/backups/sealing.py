"""Encryption of a backup in pieces: what is written is never whole in memory, nor plain on disk.

A key is derived from the passphrase with scrypt (RFC 7914). Each piece of a mebibyte is sealed with
AES-256-GCM under a nonce of a random prefix, the piece's number and a mark on the last one (the
STREAM construction: Hoang, Reyhanitabar, Rogaway, Vizár, CRYPTO 2015), so that pieces can be
neither swapped nor left out. The header is bound to every piece.
"""

import io
import os
import struct
from pathlib import Path
from typing import IO, Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from deepmed.core.backups.errors import BackupRefusedError, PassphraseError

MAGIC = b"DEEPMED-SEALED-1"
PIECE = 1 << 20
TAG = 16
LOG_COST, BLOCK = 15, 8
"""scrypt's N = 2^15 and r = 8: 32 MiB and a tenth of a second for each guess."""
MOST_LOG_COST = 20
_HEADER = struct.Struct(">16sBB16s7s")


def is_sealed_file(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(len(MAGIC)) == MAGIC


class _Cipher:
    """What writer and reader share: the key, and the nonce of each piece."""

    def __init__(self, header: bytes, passphrase: str) -> None:
        _, log_cost, block, salt, prefix = _HEADER.unpack(header)
        if not 1 <= log_cost <= MOST_LOG_COST or not 1 <= block <= 16:
            raise BackupRefusedError("The backup's header is damaged. Nothing was changed.")
        derivation = Scrypt(salt=salt, length=32, n=1 << log_cost, r=block, p=1)
        self._key = AESGCM(derivation.derive(passphrase.encode()))
        self._header, self._prefix = header, bytes(prefix)

    def seal(self, piece: bytes, number: int, *, last: bool) -> bytes:
        return self._key.encrypt(self._nonce(number, last=last), piece, self._header)

    def open(self, piece: bytes, number: int, *, last: bool) -> bytes:
        return self._key.decrypt(self._nonce(number, last=last), piece, self._header)

    def _nonce(self, number: int, *, last: bool) -> bytes:
        return self._prefix + struct.pack(">IB", number, last)


class SealedWriter(io.RawIOBase):
    """A file to write to; what was written is on its way in pieces, and whole after `close`."""

    def __init__(self, target: IO[bytes], passphrase: str) -> None:
        header = _HEADER.pack(MAGIC, LOG_COST, BLOCK, os.urandom(16), os.urandom(7))
        self._target, self._cipher = target, _Cipher(header, passphrase)
        self._held, self._number = bytearray(), 0
        target.write(header)

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._held += data
        while len(self._held) > PIECE:  # the last piece is known by `close` only
            self._put(bytes(self._held[:PIECE]), last=False)
            del self._held[:PIECE]
        return len(data)

    def close(self) -> None:
        if not self.closed:
            self._put(bytes(self._held), last=True)
        super().close()

    def _put(self, piece: bytes, *, last: bool) -> None:
        self._target.write(self._cipher.seal(piece, self._number, last=last))
        self._number += 1


class SealedReader(io.RawIOBase):
    """The plain content of a sealed file, from any place in it.

    Raises:
        PassphraseError: the first piece does not open.
        BackupRefusedError: a later piece does not: the file was changed or cut off.
    """

    def __init__(self, source: IO[bytes], passphrase: str) -> None:
        source.seek(0, os.SEEK_END)
        body = source.tell() - _HEADER.size
        self._last = max(0, -(-body // (PIECE + TAG)) - 1)
        self._size = body - (self._last + 1) * TAG
        source.seek(0)
        header = source.read(_HEADER.size)
        if len(header) < _HEADER.size or not header.startswith(MAGIC) or self._size < 0:
            raise BackupRefusedError("The file is not an encrypted backup. Nothing was changed.")
        self._source, self._cipher = source, _Cipher(header, passphrase)
        self._at, self._number, self._piece = 0, -1, b""
        self._open_first()

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._size}[whence]
        if base + offset < 0:
            raise OSError("before the beginning")  # as any file has it
        self._at = base + offset
        return self._at

    def readinto(self, buffer: Any) -> int:
        if self._at >= self._size:
            return 0
        number, start = divmod(self._at, PIECE)
        self._load(number)
        found = self._piece[start : start + len(buffer)]
        buffer[: len(found)] = found
        self._at += len(found)
        return len(found)

    def _open_first(self) -> None:
        try:
            self._load(0)
        except BackupRefusedError as error:
            raise PassphraseError(
                "The passphrase does not open this backup, or its beginning was changed. Nothing "
                "was changed here. Give the passphrase that it was made with."
            ) from error

    def _load(self, number: int) -> None:
        if number == self._number:
            return
        self._source.seek(_HEADER.size + number * (PIECE + TAG))
        sealed = self._source.read(PIECE + TAG)
        try:
            self._piece = self._cipher.open(sealed, number, last=number == self._last)
        except (InvalidTag, ValueError) as error:
            raise BackupRefusedError(
                "The encrypted backup was changed, or is cut off. Nothing was changed here; use "
                "another one."
            ) from error
        self._number = number
