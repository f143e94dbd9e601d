"""What the drawings feature works with: given once by the composition root."""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Self

from deepmed.core.home import Home
from deepmed.core.registry.service import ArtifactRegistry
from deepmed.features.drawings.embeddings.service import EmbeddingPipeline, EmbeddingService
from deepmed.features.drawings.embeddings.storage import EmbeddingStorage
from deepmed.kit.database import Database
from deepmed.kit.settings import Settings
from deepmed.kit.storage import FileStorageService


@dataclass(frozen=True)
class Workbench:
    """One owner's data, files, models and settings."""

    settings: Settings
    database: Database
    storage: FileStorageService
    registry: ArtifactRegistry
    owner_id: int

    @classmethod
    def of(cls, home: Home) -> Self:
        """The workbench of the data folder's present owner."""
        return cls(home.settings, home.database, home.storage, home.registry, home.owner_id)

    def with_encoder(self, name: str | None) -> Self:
        """The same data with another encoder than that of the settings; itself for None."""
        if name is None or name == self.settings.encoder:
            return self
        return replace(self, settings=self.settings.model_copy(update={"encoder": name}))

    @cached_property
    def embeddings(self) -> EmbeddingStorage:
        return EmbeddingStorage(self.owner_id)

    @cached_property
    def encoding(self) -> EmbeddingService:
        return EmbeddingService(self.settings, self.storage, self.embeddings)

    @cached_property
    def pipeline(self) -> EmbeddingPipeline:
        return EmbeddingPipeline(self.database, self.encoding, self.embeddings)
