"""ZIP archives of unknown origin: examined as a whole before anything of them is used (S-8).

Names, links and encryption are read from the directory; sizes and checksums are measured by
unpacking, because a bomb's directory lies.
"""

import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Self

from deepmed.kit.errors import ValidationError
from deepmed.kit.settings import Settings
from deepmed.kit.sizes import MIB

_PIECE = 1 << 16
_HEAD_BYTES = 160
_UTF8_FLAG = 0x800
_ENCRYPTED_FLAG = 0x1
_ARCHIVES = (".zip", ".7z", ".rar", ".tar", ".gz", ".tgz", ".bz2", ".xz", ".zst", ".jar", ".iso")
_SYSTEM_FILES = {"__MACOSX", "Thumbs.db", "desktop.ini"}
_LOCATOR_BYTES, _RECORD_BYTES = 20, 56
_IN_THE_RECORD = 0xFFFFFFFF
# What reading a broken or a crafted ZIP ends in: places in it may be any number of 64 bits.
_DAMAGED = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    OSError,
    OverflowError,
    RuntimeError,
    ValueError,
)
# Where one entry of the directory takes more, it is a name of many lines, not a picture's.
_DIRECTORY_BYTES_PER_ENTRY = 1024


class ArchiveRefusedError(ValidationError):
    """The archive is unsafe or cannot be read; nothing of it was stored."""

    code = "archive_refused"


@dataclass(frozen=True)
class ArchiveLimits:
    max_entries: int = 5000
    max_bytes: int = 2048 * MIB
    """Unpacked, all entries together."""
    max_entry_bytes: int = 10 * MIB
    max_ratio: int = 200
    """Unpacked to packed; looked at once an entry is larger than `max_entry_bytes`."""

    @classmethod
    def of(cls, settings: Settings) -> Self:
        return cls(
            max_entries=settings.max_archive_entries,
            max_bytes=settings.max_archive_bytes,
            max_entry_bytes=settings.max_file_bytes,
        )


DEFAULT_LIMITS = ArchiveLimits()


@dataclass(frozen=True)
class ArchiveEntry:
    """A file of the archive; `problem` says why it cannot be read although the archive is safe."""

    name: str
    size: int
    problem: str | None = None
    head: bytes = b""
    """The first bytes, which tell what kind of file it is."""


class Archive:
    """An examined archive; made by `open_archive`."""

    def __init__(self, packed: zipfile.ZipFile, limits: ArchiveLimits) -> None:
        self._packed = packed
        self._limits = limits
        self._infos: dict[str, zipfile.ZipInfo] = {}
        self.entries = tuple(self._examine())

    def read(self, entry: ArchiveEntry) -> bytes:
        """The content of an entry without a problem."""
        if entry.problem is not None:
            raise ArchiveRefusedError(f"{entry.name}: {entry.problem}")
        with self._packed.open(self._infos[entry.name]) as file:
            data = file.read(self._limits.max_entry_bytes + 1)
        if len(data) > self._limits.max_entry_bytes:
            raise ArchiveRefusedError(f"{entry.name} changed while the archive was read.")
        return data

    def _examine(self) -> Iterator[ArchiveEntry]:
        infos = self._packed.infolist()
        _check_directory(infos, self._limits, _size_of(self._packed.fp))
        unpacked = 0
        for info, name in [(info, _safe_name(info)) for info in infos]:
            if info.is_dir() or _is_system_file(name):
                continue
            problem = self._name_problem(info, name)
            entry = (
                ArchiveEntry(name, 0, problem) if problem else self._unpack(info, name, unpacked)
            )
            unpacked += entry.size
            self._infos.setdefault(name, info)
            yield entry

    def _name_problem(self, info: zipfile.ZipInfo, name: str) -> str | None:
        if name in self._infos:
            return "the archive holds this name twice; the first one counts"
        if name.lower().endswith(_ARCHIVES):
            return "an archive inside the archive is not opened"
        if info.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
            return "it is packed in an unusual way; pack it again as a plain ZIP"
        return None

    def _unpack(self, info: zipfile.ZipInfo, name: str, before: int) -> ArchiveEntry:
        """Count what really comes out; nothing but the head is kept."""
        size, head = 0, b""
        try:
            with self._packed.open(info) as file:
                while piece := file.read(_PIECE):
                    head = head or piece[:_HEAD_BYTES]
                    size += len(piece)
                    _check_size(info, size, before + size, self._limits)
        except _DAMAGED:
            # RuntimeError: the entry itself says that it is encrypted or of a later format.
            return ArchiveEntry(name, size, "its part of the archive is damaged")
        problem = None
        if size > self._limits.max_entry_bytes:
            most = self._limits.max_entry_bytes / MIB
            problem = f"it has {size / MIB:.1f} MiB; at most {most:.1f} MiB are allowed"
        return ArchiveEntry(name, size, problem, head)


@contextmanager
def open_archive(path: Path, limits: ArchiveLimits = DEFAULT_LIMITS) -> Iterator[Archive]:
    """Examine a ZIP as a whole and give access to its files.

    System files (`__MACOSX`, names with a leading dot) are left out silently. Nested archives,
    damaged, doubled and too large entries are entries with a problem.

    Raises:
        ArchiveRefusedError: no ZIP; a path that leads out of the archive, a link or a device, an
            encrypted entry, too many entries, or a bomb.
    """
    with _unexamined(path, limits) as packed:
        yield Archive(packed, limits)


def names_in(path: Path, limits: ArchiveLimits = DEFAULT_LIMITS) -> tuple[str, ...]:
    """The files of a ZIP by its directory alone: at once, however large they are.

    What the directory says is believed, so that nothing but `open_archive` makes an archive safe
    to use; this refuses early what would be refused anyway. Nothing comes out of an entry behind
    the size that the directory says, so a bomb has to say it.

    Raises:
        ArchiveRefusedError: as `open_archive`.
    """
    with _unexamined(path, limits) as packed:
        infos = packed.infolist()
        _check_directory(infos, limits, _size_of(packed.fp))
        files = [(info, _safe_name(info)) for info in infos if not info.is_dir()]
        _check_stated_sizes(infos, limits)
        return tuple(name for _, name in files if not _is_system_file(name))


@contextmanager
def _unexamined(path: Path, limits: ArchiveLimits) -> Iterator[zipfile.ZipFile]:
    with path.open("rb") as file:
        try:
            _check_directory_size(file, limits)
            packed = zipfile.ZipFile(file)
        except _DAMAGED as error:
            raise _refusal("it is not a ZIP archive, or it is cut off") from error
        with packed:
            yield packed


def _check_stated_sizes(infos: list[zipfile.ZipInfo], limits: ArchiveLimits) -> None:
    total = 0
    for info in infos:
        total += info.file_size
        _check_size(info, info.file_size, total, limits)


def _check_size(info: zipfile.ZipInfo, size: int, total: int, limits: ArchiveLimits) -> None:
    if total > limits.max_bytes:
        raise _refusal(f"it unpacks to more than {limits.max_bytes / MIB:.0f} MiB")
    if size > limits.max_entry_bytes and size > limits.max_ratio * max(info.compress_size, 1):
        raise _refusal(f"{_decoded_name(info)!r} unpacks to more than it can honestly hold")


def read_archive(
    path: Path, limits: ArchiveLimits = DEFAULT_LIMITS
) -> Iterator[tuple[ArchiveEntry, bytes | None]]:
    """Each entry with its content, None where it has a problem; see `open_archive`."""
    with open_archive(path, limits) as archive:
        for entry in archive.entries:
            yield entry, None if entry.problem else archive.read(entry)


def _refusal(reason: str) -> ArchiveRefusedError:
    return ArchiveRefusedError(f"The archive was refused and nothing of it was stored: {reason}.")


def _check_directory_size(file: IO[bytes], limits: ArchiveLimits) -> None:
    """Refuse a directory that would fill the memory before its entries can be counted."""
    size = _size_of(file)
    start = max(0, size - 66_000)
    file.seek(start)
    tail = file.read()
    most = limits.max_entries * _DIRECTORY_BYTES_PER_ENTRY + _PIECE
    at = tail.find(b"PK\5\6")
    while at >= 0:
        if _directory_bytes(file, tail, at, start) > most:
            raise _refusal("its directory is too large")
        at = tail.find(b"PK\5\6", at + 1)
    file.seek(0)


def _directory_bytes(file: IO[bytes], tail: bytes, at: int, start: int) -> int:
    """The directory's bytes by its end, which lies at that place of the file's tail.

    A large ZIP has a record and a locator before it. The locator says where the record lies, but
    `zipfile` takes the bytes right before the locator: both have to be the same place.
    """
    stated = int.from_bytes(tail[at + 12 : at + 16], "little")
    locator = tail[max(0, at - _LOCATOR_BYTES) : at]
    if not locator.startswith(b"PK\6\7"):
        return stated
    place = start + at - _LOCATOR_BYTES - _RECORD_BYTES
    if place < 0 or struct.unpack_from("<Q", locator, 8)[0] != place:
        raise _refusal("what it says of its directory contradicts itself")
    file.seek(place)
    record = file.read(_RECORD_BYTES)
    if not record.startswith(b"PK\6\6"):
        return stated
    large = int(struct.unpack_from("<Q", record, 40)[0])
    return large if stated == _IN_THE_RECORD else max(large, stated)


def _check_directory(infos: list[zipfile.ZipInfo], limits: ArchiveLimits, size: int) -> None:
    if len(infos) > limits.max_entries:
        raise _refusal(f"it has {len(infos)} entries; at most {limits.max_entries} are allowed")
    if any(info.flag_bits & _ENCRYPTED_FLAG for info in infos):
        raise _refusal("it is encrypted; pack it again without a password")
    if sum(info.compress_size for info in infos) > size:
        raise _refusal("its entries overlap")
    for info in infos:
        kind = stat.S_IFMT(info.external_attr >> 16)
        if kind not in {0, stat.S_IFREG, stat.S_IFDIR}:
            raise _refusal(f"{_decoded_name(info)!r} is a link or a device")


def _decoded_name(info: zipfile.ZipInfo) -> str:
    name = info.orig_filename
    if not info.flag_bits & _UTF8_FLAG:
        # Many programs write UTF-8 without saying so; the standard's code page is the fallback.
        try:
            name = name.encode("cp437").decode("utf-8")
        except UnicodeError:
            return name
    return name


def _safe_name(info: zipfile.ZipInfo) -> str:
    """The entry's path with `/`, or a refusal of the whole archive."""
    name = _decoded_name(info).replace("\\", "/")
    path = PurePosixPath(name)
    if "\0" in name or path.is_absolute() or ".." in path.parts or name[1:2] == ":":
        raise _refusal(f"the name {name!r} leads out of the archive")
    return str(path)


def _is_system_file(name: str) -> bool:
    return any(part.startswith(".") or part in _SYSTEM_FILES for part in name.split("/"))


def _size_of(file: IO[bytes] | None) -> int:
    if file is None:  # a closed archive, which has no directory either
        return 0
    file.seek(0, 2)
    return file.tell()
