"""A backup as a file: a ZIP with its signed table of contents, as it is or sealed."""

import json
import os
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from io import BufferedReader
from pathlib import Path
from typing import Any, Self

from deepmed.core.backups.errors import BackupRefusedError, PassphraseError
from deepmed.core.backups.manifest import Manifest
from deepmed.core.backups.sealing import SealedReader, SealedWriter, is_sealed_file
from deepmed.core.registry.keys import SigningKeys, fingerprint, is_signed

MANIFEST, SIGNATURE, LIST, SETTINGS = "manifest.json", "manifest.sig", "files.jsonl", "config.json"
DATABASE, TABLES, FILES, PUBLIC_KEY, PRIVATE_KEY = (
    "database.db",
    "tables/",
    "files/",
    "keys/signing.pub",
    "keys/signing.key",
)
PIECE = 1 << 20
LARGEST_TEXT = 16 << 20
"""Of what is read in one piece: the manifest, the settings, a line."""


@dataclass(frozen=True)
class Entry:
    """What was written or read of one name."""

    size: int
    sha256: str


class ArchiveWriter:
    """Writes the parts of a backup one after the other; nothing is kept in memory."""

    def __init__(self, packed: zipfile.ZipFile) -> None:
        self._packed = packed

    @classmethod
    @contextmanager
    def open(cls, path: Path, passphrase: str | None) -> Iterator[Self]:
        """Write to a new file for this user alone, and bring it to disk at the end."""
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            with ExitStack() as stack:
                target: Any = file
                if passphrase is not None:
                    target = stack.enter_context(SealedWriter(file, passphrase))
                yield cls(stack.enter_context(zipfile.ZipFile(target, "w", allowZip64=True)))
            file.flush()
            os.fsync(file.fileno())

    def add(self, name: str, pieces: Iterable[bytes], *, pack: bool = False) -> Entry:
        """Pictures and models do not shrink, so only what does is packed."""
        info = zipfile.ZipInfo(name)
        info.compress_type = zipfile.ZIP_DEFLATED if pack else zipfile.ZIP_STORED
        info.external_attr = 0o600 << 16
        told, size = sha256(), 0
        with self._packed.open(info, "w", force_zip64=True) as target:
            for piece in pieces:
                told.update(piece)
                size += len(piece)
                target.write(piece)
        return Entry(size, told.hexdigest())

    def add_file(self, name: str, path: Path, *, pack: bool = False) -> Entry:
        with path.open("rb") as file:
            return self.add(name, iter(partial(file.read, PIECE), b""), pack=pack)

    def sign(self, manifest: Manifest, keys: SigningKeys) -> None:
        content = manifest.to_bytes()
        self.add(MANIFEST, [content])
        self.add(SIGNATURE, [keys.sign(content)])


class Backup:
    """A backup whose manifest was signed by somebody trusted; the rest is checked as it is read."""

    def __init__(
        self, packed: zipfile.ZipFile, trusted: Iterable[bytes], *, trust_itself: bool = False
    ) -> None:
        self._packed = packed
        if trust_itself:
            trusted = [*trusted, self._text(PUBLIC_KEY)]
        content, signature = self._text(MANIFEST), self._text(SIGNATURE)
        signers = [key for key in trusted if is_signed(content, signature, key)]
        if not signers:
            raise BackupRefusedError(
                "The backup was not signed by this installation, or its table of contents was "
                "changed. Nothing was changed here. A backup of another installation of yours can "
                "be restored by: deepmed backup restore FILE --signed-by ITS-signing.pub"
            )
        self.signer = fingerprint(signers[0])
        self.manifest = Manifest.from_bytes(content)

    def table_lines(self, name: str) -> Iterator[bytes]:
        """The lines of a table, checked against its sum when the last one was read."""
        return self._lines(f"{TABLES}{name}.jsonl", self.manifest.tables[name].sha256)

    def files(self) -> Iterator[tuple[str, Entry]]:
        """The key, size and sum of every file, in the order of their keys."""
        for line in self._lines(LIST, self.manifest.files_sha256):
            key, size, told = json.loads(line)
            yield key, Entry(size, told)

    def stream_file(self, key: str, expected: Entry) -> Iterator[bytes]:
        """A file in pieces; the last one comes only where all of it is what was signed."""
        return self._checked(f"{FILES}{key}", expected.sha256, expected.size)

    def stream_database(self) -> Iterator[bytes]:
        return self._checked(DATABASE, self.manifest.database_sha256)

    def private_key(self) -> bytes:
        return b"".join(self._checked(PRIVATE_KEY, self.manifest.key_sha256, LARGEST_TEXT))

    def names(self) -> Mapping[str, int]:
        """How often each name is in the archive."""
        counted: dict[str, int] = {}
        for info in self._packed.infolist():
            counted[info.filename] = counted.get(info.filename, 0) + 1
        return counted

    def settings(self) -> bytes:
        return b"".join(self._checked(SETTINGS, self.manifest.settings_sha256, LARGEST_TEXT))

    def _text(self, name: str) -> bytes:
        return b"".join(_limited(self._pieces(name), LARGEST_TEXT))

    def _lines(self, name: str, expected: str | None) -> Iterator[bytes]:
        rest = b""
        for piece in self._checked(name, expected):
            *lines, rest = (rest + piece).split(b"\n")
            yield from lines
        if rest:
            raise _damaged(name)

    def _checked(self, name: str, expected: str | None, most: int | None = None) -> Iterator[bytes]:
        told = sha256()
        pieces = self._pieces(name)
        held = b""
        for piece in pieces if most is None else _limited(pieces, most):
            told.update(piece)
            if held:
                yield held
            held = piece
        if told.hexdigest() != expected:
            raise _damaged(name)
        if held:
            yield held

    def _pieces(self, name: str) -> Iterator[bytes]:
        try:
            with self._packed.open(name) as file:
                while piece := file.read(PIECE):
                    yield piece
        except (KeyError, zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
            raise _damaged(name) from error


@contextmanager
def open_backup(
    path: Path,
    trusted: Iterable[bytes],
    passphrase: str | None,
    *,
    trust_sealed: bool = False,
) -> Iterator[Backup]:
    """Open a backup that a trusted key signed.

    Args:
        path: the file.
        trusted: public keys in PEM.
        passphrase: what opens an encrypted one.
        trust_sealed: trust the key within an encrypted one: who could seal it knows the passphrase.

    Raises:
        BackupRefusedError: it is none, or damaged, or signed by nobody trusted.
        PassphraseError: it is encrypted, and the passphrase is missing or wrong.
    """
    with ExitStack() as stack:
        file = stack.enter_context(path.open("rb"))
        sealed = is_sealed_file(path)
        if sealed:
            if passphrase is None:
                raise PassphraseError(
                    "The backup is encrypted. Nothing was changed. Set DEEPMED_BACKUP_PASSPHRASE "
                    "or DEEPMED_BACKUP_KEY_FILE, or use `deepmed backup`, which asks for the "
                    "passphrase."
                )
            file = BufferedReader(SealedReader(file, passphrase), PIECE)
        try:
            packed = stack.enter_context(zipfile.ZipFile(file))
        except (zipfile.BadZipFile, NotImplementedError, UnicodeError) as error:
            raise BackupRefusedError(
                "The file is not a backup, or it is cut off. Nothing was changed."
            ) from error
        yield Backup(packed, trusted, trust_itself=sealed and trust_sealed)


def _limited(pieces: Iterator[bytes], most: int) -> Iterator[bytes]:
    """What unpacks to more than was promised is no honest archive."""
    size = 0
    for piece in pieces:
        size += len(piece)
        if size > most:
            raise BackupRefusedError("A part of the backup is larger than it may be.")
        yield piece


def _damaged(name: str) -> BackupRefusedError:
    return BackupRefusedError(
        f"{name} is missing in the backup, or is not what was signed. Nothing was changed here; "
        "use another backup."
    )
