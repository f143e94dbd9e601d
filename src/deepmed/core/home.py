"""An open data folder: what every slice is given."""

from dataclasses import dataclass, replace
from functools import cached_property
from types import TracebackType
from typing import TYPE_CHECKING, Self

from deepmed.kit.database import Database
from deepmed.kit.settings import Settings

if TYPE_CHECKING:
    from deepmed.core.registry.service import ArtifactRegistry
    from deepmed.kit.storage import FileStorageService


@dataclass(frozen=True)
class Home:
    """An open data folder of one owner. Closes as a context manager.

    The file store and the registry open when they are first asked for, so that a command that
    needs neither does not wait for them.
    """

    settings: Settings
    database: Database
    owner_id: int

    @cached_property
    def storage(self) -> "FileStorageService":
        from deepmed.kit.storage import FileStorageService  # noqa: PLC0415 - see the class

        return FileStorageService(self.settings.resolved_storage_url)

    @cached_property
    def registry(self) -> "ArtifactRegistry":
        from deepmed.core.registry.keys import open_keys  # noqa: PLC0415 - see the class
        from deepmed.core.registry.service import ArtifactRegistry  # noqa: PLC0415 - see the class

        keys = open_keys(self.settings.home / "keys")
        return ArtifactRegistry(self.database, self.storage, keys, self.owner_id)

    def for_owner(self, owner_id: int) -> "Home":
        """The same folder as another owner sees it; it shares the database and is not closed."""
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
