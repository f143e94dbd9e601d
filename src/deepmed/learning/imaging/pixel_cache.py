"""Decoded images on disk, so that only the first run waits for decoders.

One file an image, named by what it was made from: the file's digest below the digest of the
preprocessing. Two runs may use one folder at once: a file appears whole under its name or not at
all, never changes, and one that was removed is decoded again.
"""

import mmap
import os
import re
import time
import zlib
from collections.abc import Collection, Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from deepmed.kit.ids import new_uid

Pixels = npt.NDArray[np.uint8]

_DIGEST = re.compile(r"[0-9a-f]{64}")
_OWN = re.compile(r"[0-9a-f]{32}/([0-9a-f]{2})/(\1[0-9a-f]{62}|[0-9a-f]{32}\.part)")
_SUM_BYTES = 4
_UNFINISHED = ".part"
_ABANDONED_SECONDS = 60 * 60
_LOOK_EVERY_BYTES = 64 * 2**20
"""After so much was written the folder is measured anew: other runs write too."""


class _Entry(NamedTuple):
    used: float
    size: int
    path: Path


class PixelCache:
    """Eight-bit planes by the digest of the file that they came from.

    Args:
        folder: Where; made when first written to.
        key: What else the planes depend on, as a digest in hex: preprocessing and reader.
        shape: (height, width) of every image of this key.
        limit_bytes: How large the folder may grow, with all keys. Runs that fill it at the same
            moment may pass it by the 64 MiB that each writes between two looks.

    Raises:
        ValueError: The key is no digest.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     cache = PixelCache(Path(folder), "a" * 64, (2, 2), 1000)
        ...     _ = cache.put("b" * 64, np.full((2, 2, 1), 7, np.uint8))
        ...     cache.get("b" * 64).ravel().tolist(), cache.get("c" * 64)
        ([7, 7, 7, 7], None)
    """

    def __init__(self, folder: Path, key: str, shape: tuple[int, int], limit_bytes: int) -> None:
        self._root = folder
        self._folder = folder / _checked(key)[:32]
        self._shape = shape
        self._limit = limit_bytes
        self._room: int | None = None
        self._written = 0

    def get(self, digest: str) -> Pixels | None:
        """The planes, mapped from the file and not writable; None where they are not kept.

        A damaged file counts as not kept.

        Raises:
            ValueError: It is no digest.
        """
        content = _mapped(self._path(digest))
        if content is None:
            return None
        planes, odd = divmod(content.size - _SUM_BYTES, self._shape[0] * self._shape[1])
        if odd or planes not in {1, 3}:
            return None
        pixels, checksum = content[:-_SUM_BYTES], content[-_SUM_BYTES:].tobytes()
        if zlib.crc32(pixels.data).to_bytes(_SUM_BYTES, "little") != checksum:
            return None
        return pixels.reshape(*self._shape, planes)

    def put(self, digest: str, pixels: Pixels) -> bool:
        """Keep the planes, if there is room.

        Returns:
            Whether they are kept now. A full disk is no error: they are decoded again.

        Raises:
            ValueError: It is no digest.
        """
        path = self._path(digest)
        if not self._has_room(pixels.nbytes + _SUM_BYTES):
            return False
        content = np.ascontiguousarray(pixels).tobytes()
        checksum = zlib.crc32(content).to_bytes(_SUM_BYTES, "little")
        unfinished = path.with_name(f"{new_uid()}{_UNFINISHED}")
        try:
            self._root.mkdir(mode=0o700, parents=True, exist_ok=True)  # they are patients' images
            path.parent.mkdir(parents=True, exist_ok=True)
            unfinished.write_bytes(content + checksum)
            unfinished.replace(path)
        except OSError:
            with suppress(OSError):
                unfinished.unlink(missing_ok=True)
            return False
        self._written += pixels.nbytes + _SUM_BYTES
        return True

    def make_room(self, digests: Collection[str], planes: int = 3) -> None:
        """Prepare for a run: what it has is marked as used, the longest unused else gives way.

        Args:
            digests: Of all the run's images; none of these is removed.
            planes: How many planes a missing image is expected to have at most.
        """
        own = {self._path(digest) for digest in digests}
        now = time.time()
        entries = sorted(self._entries())
        kept = {entry.path for entry in entries if entry.path in own}
        for path in kept:
            with suppress(OSError):
                os.utime(path, (now, now))
        size = self._shape[0] * self._shape[1] * planes + _SUM_BYTES
        missing = (len(own) - len(kept)) * size
        excess = sum(entry.size for entry in entries) + missing - self._limit
        for entry in entries:
            if excess <= 0:
                break
            if entry.path not in own:
                with suppress(OSError):
                    entry.path.unlink()
                    excess -= entry.size
        self._measure()

    @property
    def size_bytes(self) -> int:
        """Bytes that the folder holds now, with all keys."""
        return sum(entry.size for entry in self._entries())

    def _path(self, digest: str) -> Path:
        return self._folder / _checked(digest)[:2] / digest

    def _has_room(self, size: int) -> bool:
        if self._room is None or self._written >= _LOOK_EVERY_BYTES:
            self._measure()
        return self._room is not None and self._written + size <= self._room

    def _measure(self) -> None:
        self._room = self._limit - self.size_bytes
        self._written = 0

    def _entries(self) -> Iterator[_Entry]:
        """All files of caches; what a killed run left unfinished is removed on the way."""
        old = time.time() - _ABANDONED_SECONDS
        for path in _own_files(self._root):
            with suppress(OSError):  # another run may just have removed it
                status = path.lstat()
                if path.suffix == _UNFINISHED and status.st_mtime < old:
                    path.unlink()
                else:
                    yield _Entry(status.st_mtime, status.st_size, path)


def forget(folder: Path, digests: Collection[str]) -> int:
    """Remove what a cache's folder keeps of some images, under every key.

    For images that their owner deletes: what was decoded from them goes too.

    Args:
        folder: Of the cache; it need not exist.
        digests: Of the images' files.

    Returns:
        How many files were removed.

    Raises:
        OSError: A file cannot be removed.

    Example:
        >>> forget(Path("no-such-folder"), ["b" * 64])
        0
    """
    names = set(digests)
    found = [path for path in _own_files(folder) if path.name in names]
    for path in found:
        path.unlink(missing_ok=True)
    return len(found)


def _own_files(folder: Path) -> Iterator[Path]:
    """What a cache has written below a folder; whatever else lies there is not touched."""
    for place, _, names in os.walk(folder):
        for name in names:
            path = Path(place, name)
            if _OWN.fullmatch(path.relative_to(folder).as_posix()):
                yield path


def _mapped(path: Path) -> Pixels | None:
    """All bytes of a file, not writable; None where it is not there, or empty."""
    try:
        with path.open("rb", buffering=0) as file:
            content = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except (OSError, ValueError):
        return None
    return np.frombuffer(content, np.uint8)


def _checked(digest: str) -> str:
    if not _DIGEST.fullmatch(digest):
        raise ValueError(f"{digest!r} is no SHA-256 in hex.")
    return digest
