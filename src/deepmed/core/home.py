"""An open data folder: what every slice is given."""

from dataclasses import dataclass, field, replace
from functools import cached_property
from threading import Lock
from types import TracebackType
from typing import TYPE_CHECKING, Self

from deepmed.kit.database import Database
from deepmed.kit.settings import Settings

if TYPE_CHECKING:
    from deepmed.core.registry.cache import PackageCache
    from deepmed.core.registry.keys import SigningKeys
    from deepmed.core.registry.service import ArtifactRegistry
    from deepmed.kit.storage import FileStorageService


class _Opened:
    """What all owners of a folder share, opened when it is first asked for.

    Packages are known by the hash of their manifest, which whoever asks has found in an own row;
    so a server reads one once, and its memory for them has one limit, however many ask.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._storage: FileStorageService | None = None
        self._signing: tuple[SigningKeys, PackageCache] | None = None

    def storage(self, settings: Settings) -> "FileStorageService":
        from deepmed.kit.storage import FileStorageService  # noqa: PLC0415 - see `Home`

        with self._lock:
            if self._storage is None:
                self._storage = FileStorageService(settings.resolved_storage_url)
            return self._storage

    def signing(self, settings: Settings) -> "tuple[SigningKeys, PackageCache]":
        from deepmed.core.registry.cache import PackageCache  # noqa: PLC0415 - see `Home`
        from deepmed.core.registry.keys import open_keys  # noqa: PLC0415 - see `Home`

        with self._lock:
            if self._signing is None:
                self._signing = open_keys(settings.home / "keys"), PackageCache()
            return self._signing

    def forget(self) -> None:
        with self._lock:
            self._storage = self._signing = None


@dataclass(frozen=True)
class Home:
    """An open data folder of one owner. Closes as a context manager.

    The file store and the registry open when they are first asked for, so that a command that
    needs neither does not wait for them.
    """

    settings: Settings
    database: Database
    owner_id: int
    _opened: _Opened = field(default_factory=_Opened, repr=False, compare=False)

    @cached_property
    def storage(self) -> "FileStorageService":
        return self._opened.storage(self.settings)

    @cached_property
    def registry(self) -> "ArtifactRegistry":
        from deepmed.core.registry.service import ArtifactRegistry  # noqa: PLC0415 - see the class

        keys, packages = self._opened.signing(self.settings)
        return ArtifactRegistry(self.database, self.storage, keys, self.owner_id, packages)

    def forget(self) -> None:
        """Let go of what is in memory: the data are others now."""
        self._opened.forget()
        for name in ("storage", "registry"):
            vars(self).pop(name, None)

    def for_owner(self, owner_id: int) -> "Home":
        """The same folder as another owner sees it; it shares what is open and is not closed."""
        return replace(self, owner_id=owner_id)

    def with_database(self, database: Database) -> "Home":
        """The same folder, written to through another door to its database."""
        return replace(self, database=database)

    def close(self) -> None:
        self.database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
