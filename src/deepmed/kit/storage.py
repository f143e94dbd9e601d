"""The one way to files: a local folder by default, an object store by URL."""

import hashlib
import os
import re
import secrets
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit
from urllib.request import url2pathname

from obstore.exceptions import (
    AlreadyExistsError,
    BaseError,
    PermissionDeniedError,
    UnauthenticatedError,
)
from obstore.store import LocalStore, MemoryStore, ObjectStore

from deepmed.kit import clock
from deepmed.kit.errors import (
    ConfigurationError,
    ConflictError,
    NotFoundError,
    PathRefusedError,
    StorageError,
)
from deepmed.kit.object_stores import open_remote

CHUNK_BYTES = 1 << 20
ORPHAN_AGE = timedelta(hours=1)

_EXTENSION = re.compile(r"\.[a-z0-9]{1,8}\Z")
# obstore writes to `NAME#1` and renames: such a name would be taken for an unfinished file.
_UNFINISHED = re.compile(r"#\d+\Z")


@dataclass(frozen=True)
class StoredFile:
    """A file as the store lists it."""

    key: str
    size: int
    modified: datetime


@dataclass(frozen=True)
class WrittenFile:
    """A file as it was just written; `sha256` is the hash of its content."""

    key: str
    size: int
    sha256: str


class FileStorageService:
    """Files under keys such as `uploads/drawings/NAME.png`.

    A write is atomic: a reader sees the whole file or none. In a local folder the content is on
    disk before `put` returns, so a row that is committed afterwards never names a lost file.

    Args:
        url: `file:///folder` (made when missing), `memory:///`, or what obstore understands
            (`s3://bucket/prefix`, `gs://…`, `az://…`), with credentials from the environment.

    Raises:
        ConfigurationError: the URL cannot be understood, or there are no credentials for it.
    """

    def __init__(self, url: str) -> None:
        self._root: Path | None = None
        parts = urlsplit(url)
        if parts.scheme == "file":
            self._root = _make_folder(Path(url2pathname(parts.path)))
            self._store: ObjectStore = LocalStore(prefix=self._root)
        elif parts.scheme == "memory":
            self._store = MemoryStore()
        else:
            self._store = open_remote(url)

    def check(self) -> None:
        """See that the store answers.

        Raises:
            StorageError: it is not there, out of reach, or refuses the credentials.
        """
        with _explained("", "listed"):
            next(iter(self._store.list(chunk_size=1)), None)

    def put(
        self, key: str, data: bytes | Iterable[bytes], *, overwrite: bool = True
    ) -> WrittenFile:
        """Write a file at once or not at all.

        Raises:
            ConflictError: the key is taken and `overwrite` is false.
            StorageError: the store is full, read-only or out of reach; nothing was written.
        """
        self._check(key)
        digest = _Digest([data] if isinstance(data, bytes) else data)
        # A store checks "only if new" on a whole object, so that body is put in one piece.
        body = digest if overwrite and not isinstance(data, bytes) else b"".join(digest)
        with _explained(key, "written"):
            new_folders = self._missing_folders(key)
            self._store.put(key, body, mode="overwrite" if overwrite else "create")
            self._flush(key, new_folders)
        return WrittenFile(key, digest.size, digest.hexdigest())

    def get(self, key: str) -> bytes:
        """The whole file. Raises NotFoundError where there is none."""
        self._check(key)
        with _explained(key, "read"):
            return bytes(self._store.get(key).bytes())

    def stream(self, key: str, chunk_size: int = CHUNK_BYTES) -> Iterator[bytes]:
        """The file in pieces; a missing file is told before the first piece."""
        self._check(key)
        with _explained(key, "read"):
            pieces = self._store.get(key).stream(min_chunk_size=chunk_size)
        return _read_on(key, pieces)

    def save(self, key: str, path: Path) -> None:
        """Lay the present content at a new path outside the store, for as long as that is kept.

        Where both are on one disk it takes no room: it is another name of the same file, which
        no later write or deletion in the store touches. So nobody may write to it.

        Raises:
            NotFoundError: there is no such file.
            StorageError: the folder is full or cannot be written.
        """
        self._check(key)
        path.parent.mkdir(parents=True, exist_ok=True)
        if self._root is not None and _linked(self._root / key, path):
            return
        pieces = self.stream(key)
        with _explained(key, "saved"), path.open("xb") as file:
            file.writelines(pieces)

    def get_range(self, key: str, start: int, length: int) -> bytes:
        """`length` bytes from `start`; fewer where the file ends, none where it ended before.

        Raises:
            NotFoundError: there is no such file.
        """
        if start < 0 or length < 0:
            raise PathRefusedError("A range of a file starts at 0 or later and has a length.")
        available = min(length, self._stat(key).size - start)
        if available <= 0:
            return b""
        with _explained(key, "read"):
            return bytes(self._store.get_range(key, start=start, length=available))

    def exists(self, key: str) -> bool:
        try:
            self._stat(key)
        except NotFoundError:
            return False
        return True

    def list_files(self, prefix: str = "") -> Iterator[StoredFile]:
        """All files whose key starts with the folders of `prefix`."""
        folder = prefix.rstrip("/")
        if folder:
            self._check(folder)
        with _explained(prefix, "listed"):
            for batch in self._store.list(folder or None):
                for item in batch:
                    yield StoredFile(item["path"], item["size"], item["last_modified"])

    def delete(self, key: str) -> bool:
        """Remove a file; False where there was none."""
        if not self.exists(key):
            return False
        try:
            with _explained(key, "deleted"):
                self._store.delete(key)
        except NotFoundError:  # somebody was faster
            return False
        return True

    def delete_file(self, file_path: str) -> bool:
        return self.delete(file_path)

    def get_file_info(self, file_path: str) -> dict[str, Any] | None:
        """Key, size and time of a file, or None."""
        try:
            stored = self._stat(file_path)
        except NotFoundError:
            return None
        return {
            "file_path": stored.key,
            "filename": stored.key.rpartition("/")[2],
            "file_size": stored.size,
            "modified": stored.modified.isoformat(),
        }

    def get_file_url(self, file_path: str, base_url: str = "") -> str:
        self._check(file_path)
        return f"{base_url.rstrip('/')}/{quote(file_path)}"

    def generate_unique_filename(self, original_filename: str, prefix: str = "") -> str:
        """A name of our own: the time, eight random digits and the original's extension."""
        extension = _EXTENSION.search(original_filename.lower())
        moment = clock.now().strftime("%Y%m%d_%H%M%S")
        name = f"{prefix}{moment}_{secrets.token_hex(4)}"
        return name + (extension.group() if extension else "")

    def get_storage_stats(self) -> dict[str, Any]:
        """Files and bytes, in all and for each folder at the top."""
        folders: dict[str, dict[str, int]] = {}
        for stored in self.list_files():
            top = stored.key.partition("/")[0] if "/" in stored.key else ""
            count = folders.setdefault(top, {"file_count": 0, "total_size_bytes": 0})
            count["file_count"] += 1
            count["total_size_bytes"] += stored.size
        return {
            "file_count": sum(count["file_count"] for count in folders.values()),
            "total_size_bytes": sum(count["total_size_bytes"] for count in folders.values()),
            "directories": folders,
        }

    def cleanup_old_files(self, directory: str, max_age_days: float) -> int:
        """Delete the files of a folder that were last written longer ago; returns how many."""
        limit = clock.now() - timedelta(days=max_age_days)
        old = [stored.key for stored in self.list_files(directory) if stored.modified < limit]
        return sum(self.delete(key) for key in old)

    def sweep_orphans(
        self, known_keys: Collection[str], prefix: str, older_than: timedelta = ORPHAN_AGE
    ) -> list[str]:
        """Delete the files below `prefix` that no row names; returns their keys.

        `older_than` protects a file whose row is about to be written. Two installations must not
        share a prefix: each would take the other's files for orphans.
        """
        limit = clock.now() - older_than
        known = set(known_keys)
        orphans = [
            stored.key
            for stored in self.list_files(prefix)
            if stored.key not in known and stored.modified <= limit
        ]
        return [key for key in orphans if self.delete(key)] + self._sweep_unfinished(prefix, limit)

    def _sweep_unfinished(self, prefix: str, limit: datetime) -> list[str]:
        """Half-written files of killed processes, which obstore itself does not list."""
        if self._root is None:
            return []
        swept = []
        for path in (self._root / prefix).rglob("*#*"):
            if _UNFINISHED.search(path.name) and _modified(path) <= limit:
                path.unlink(missing_ok=True)
                swept.append(path.relative_to(self._root).as_posix())
        return swept

    def _stat(self, key: str) -> StoredFile:
        self._check(key)
        with _explained(key, "read"):
            found = self._store.head(key)
        return StoredFile(key, found["size"], found["last_modified"])

    def _check(self, key: str) -> None:
        check_key(key)
        if self._root is not None and not (self._root / key).resolve().is_relative_to(self._root):
            raise PathRefusedError(f"{key!r} leads out of the file store through a link.")

    def _missing_folders(self, key: str) -> list[Path]:
        if self._root is None:
            return []
        folders = (self._root / key).relative_to(self._root).parents
        return [folder for each in folders if not (folder := self._root / each).exists()]

    def _flush(self, key: str, new_folders: Iterable[Path]) -> None:
        """Bring a local file and its name to disk; obstore leaves both to the system's leisure."""
        if self._root is None or os.name != "posix":  # Windows cannot flush a folder
            return
        path = self._root / key
        with suppress(FileNotFoundError):  # somebody deleted it after it was written
            _to_disk(path)
        for folder in (path.parent, *(each.parent for each in new_folders)):
            _to_disk(folder)


def _to_disk(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def check_key(key: str) -> None:
    """Refuse a key that is not a plain relative path.

    Raises:
        PathRefusedError: absolute, `..`, empty parts, backslash, NUL and other control characters.
    """
    parts = key.split("/")
    if any(part in {"", ".", ".."} or len(part.encode()) > 255 for part in parts):
        raise PathRefusedError(f"{key!r} is not a name inside the file store.")
    if "\\" in key or not key.isprintable() or re.match(r"[A-Za-z]:", key):
        raise PathRefusedError(f"{key!r} holds characters that a stored file's name must not have.")
    if _UNFINISHED.search(key):
        raise PathRefusedError(f"{key!r} ends like an unfinished file.")


class _Digest:
    """Passes pieces on and counts and hashes them on their way."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces = pieces
        self._hash = hashlib.sha256()
        self.size = 0

    def __iter__(self) -> Iterator[bytes]:
        for piece in self._pieces:
            self._hash.update(piece)
            self.size += len(piece)
            yield piece

    def hexdigest(self) -> str:
        return self._hash.hexdigest()


@contextmanager
def _explained(key: str, deed: str) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        if deed == "written" or "NoSuchBucket" in str(
            error
        ):  # nothing is missing to write a file but the place for it
            raise _no_place() from error
        raise NotFoundError(f"There is no file {key!r} in the store.") from error
    except (PermissionDeniedError, UnauthenticatedError) as error:
        raise StorageError(
            f"The file store refused that the file {key!r} be {deed}. Nothing was changed. Check "
            "the credentials in the environment, and their rights."
        ) from error
    except AlreadyExistsError as error:
        raise ConflictError(f"There is already a file {key!r}; it was kept.") from error
    except (BaseError, OSError) as error:
        if "NoSuchBucket" in str(error):
            raise _no_place() from error
        reason = str(error).split("\n", maxsplit=1)[0]
        raise StorageError(
            f"The file {key!r} could not be {deed}: {reason}. "
            "Check the store's free space and rights, then try again."
        ) from error


def _no_place() -> StorageError:
    return StorageError(
        "The bucket or folder of the file store is not there. Nothing was changed. Make it, or "
        "correct DEEPMED_STORAGE_URL."
    )


def _read_on(key: str, pieces: Iterable[Any]) -> Iterator[bytes]:
    with _explained(key, "read"):
        for piece in pieces:
            yield bytes(piece)


def _make_folder(root: Path) -> Path:
    try:
        # For this user alone: the files are pictures by children.
        root.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise ConfigurationError(
            f"The folder of the file store cannot be made: {error}. Set DEEPMED_STORAGE_URL or "
            "DEEPMED_HOME to a place that can be written."
        ) from error
    return root.resolve()


def _linked(source: Path, target: Path) -> bool:
    """Whether the system could give the file a second name; a missing file is told elsewhere."""
    try:
        os.link(source, target)
    except OSError:
        return False
    return True


def _modified(path: Path) -> datetime:
    return datetime.fromtimestamp(path.lstat().st_mtime, UTC)
