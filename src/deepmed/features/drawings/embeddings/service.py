"""From stored pictures to stored vectors, in chunks that survive a crash."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from deepmed.features.drawings.embeddings import repository
from deepmed.features.drawings.embeddings.reading_ahead import ReadAhead
from deepmed.features.drawings.embeddings.storage import EmbeddingStorage
from deepmed.kit import clock
from deepmed.kit.database import Database
from deepmed.kit.errors import ConfigurationError, NotFoundError
from deepmed.kit.pictures import read_stored
from deepmed.kit.settings import Settings
from deepmed.kit.storage import FileStorageService
from deepmed.learning.encoders.built_in import known_identity

if TYPE_CHECKING:
    from deepmed.learning.encoders import Encoder, EncoderIdentity, Prepared

CHUNK = 64
READERS = 2
"""Threads that read and prepare pictures while others are encoded."""
ONNX_FOLDER = "cache/onnx"
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class EmbeddingReport:
    """What one run of embedding did."""

    encoder: str
    embedded: int
    already_there: int

    def to_dict(self) -> dict[str, object]:
        return asdict(self)


class EmbeddingService:
    """One encoder over stored pictures.

    Args:
        settings: name the encoder.
        storage: holds the pictures.
        store: where its vectors live; a service without one encodes and keeps nothing.
    """

    def __init__(
        self,
        settings: Settings,
        storage: FileStorageService,
        store: EmbeddingStorage | None = None,
    ) -> None:
        self.settings = settings
        self.storage = storage
        self._store = store

    @cached_property
    def encoder(self) -> "Encoder":
        """The encoder of the settings, loaded at its first use as all that encoders need is."""
        from deepmed.learning.encoders import get_encoder  # noqa: PLC0415 - it brings torch along

        return get_encoder(
            self.settings.encoder,
            weights_dir=self.settings.weights_dir,
            device=self.settings.device,
            onnx_dir=self.settings.home / ONNX_FOLDER,
        )

    def initialize(self) -> None:
        """Load the encoder now rather than at its first use."""
        _ = self.encoder

    def is_ready(self) -> bool:
        return "encoder" in self.__dict__

    def get_service_info(self) -> dict[str, Any]:
        """Which encoder makes the vectors, and all that tells its vectors from others'."""
        identity = self.identity
        return {**asdict(identity), "key": identity.key, "is_ready": self.is_ready()}

    def get_embedding_dimension(self) -> int:
        return self.identity.dimension

    @property
    def identity(self) -> "EncoderIdentity":
        """Of the encoder, which is loaded only where its weights must tell who it is."""
        known = None if self.is_ready() else known_identity(self.settings.encoder)
        return self.encoder.identity if known is None else known

    def picture(self, file_path: str) -> NDArray[np.uint8]:
        """A stored picture, (H, W, 3) uint8."""
        return read_stored(self.storage.get(file_path))

    def generate_embedding(self, file_path: str) -> NDArray[np.float32]:
        """(d,) float32 of one stored picture."""
        vector: NDArray[np.float32] = self.generate_batch_embeddings([file_path])[0]
        return vector

    def generate_batch_embeddings(self, files: Sequence[str]) -> NDArray[np.float32]:
        """(n, d) float32 of the stored pictures."""
        vectors: NDArray[np.float32] = self.encoder.embed([self.picture(file) for file in files])
        return vectors

    def store_embedding_for_db(
        self, session: Session, drawing_id: int, vector: NDArray[np.float32]
    ) -> None:
        """Store a drawing's vector beside it, unless it has one of this encoder."""
        self.store.store_embedding(session, drawing_id, vector, self.identity)

    def retrieve_embedding_from_db(self, session: Session, drawing_id: int) -> NDArray[np.float32]:
        """A drawing's stored vector. Raises NotFoundError where this encoder made none."""
        return self.store.retrieve_embedding(session, drawing_id, self.identity.key)

    def invalidate_embedding_cache(self, drawing_id: int) -> None:
        """Read this drawing's vector from the database when it is next asked for."""
        self.store.invalidate_cache(drawing_id, self.identity.key)

    def clear_cache(self) -> None:
        """Forget all vectors that are in memory; those in the database stay."""
        self.store.clear_cache()

    def get_storage_stats(self, session: Session) -> dict[str, object]:
        """Stored vectors by encoder, and what the cache holds."""
        return self.store.get_storage_stats(session)

    @property
    def store(self) -> EmbeddingStorage:
        """Where vectors live. Raises ConfigurationError where the service was given no place."""
        if self._store is None:
            raise ConfigurationError("This service was made to encode and not to keep vectors.")
        return self._store

    def prepare(self, file_path: str) -> "Prepared":
        """A stored picture as the encoder takes it, which is small however large the picture."""
        return self.encoder.prepare([self.picture(file_path)])

    def encode(self, prepared: "Sequence[Prepared]") -> NDArray[np.float32]:
        """(n, d) float32 of pictures that `prepare` prepared."""
        from deepmed.learning.encoders.base import Prepared  # noqa: PLC0415 - as above
        from deepmed.learning.encoders.batches import encode_in_batches  # noqa: PLC0415 - as above

        return encode_in_batches(self.encoder, Prepared.join(prepared))


class EmbeddingPipeline:
    """Embeds what is missing; each chunk is committed, so a killed run loses one at most."""

    def __init__(
        self, database: Database, service: EmbeddingService, store: EmbeddingStorage
    ) -> None:
        self.database = database
        self.service = service
        self.store = store
        self._stats = Counter[str]()

    def process_drawing(self, drawing_id: int, file_path: str) -> bool:
        """Embed one drawing; whether it had no vector before.

        Raises:
            NotFoundError: its picture is not there.
        """
        identity = self.service.identity
        with self.database.read() as session:
            made = repository.row_of(session, drawing_id, identity.key) is None
        if made:
            vector = self.service.generate_embedding(file_path)
            with self.database.write() as session:
                self.store.store_embedding(session, drawing_id, vector, identity)
        self._stats["embedded" if made else "already_there"] += 1
        return made

    def get_pipeline_stats(self) -> dict[str, int]:
        """Drawings that this pipeline embedded, and that had a vector, since it was made."""
        return {name: self._stats[name] for name in ("embedded", "already_there")}

    def reset_stats(self) -> None:
        self._stats.clear()

    def process_batch(self, progress: Progress | None = None) -> EmbeddingReport:
        """Embed every drawing that the encoder has not seen; blank pages have no vector."""
        return self._process(None, progress)

    def re_embed(
        self, progress: Progress | None = None, since: datetime | None = None
    ) -> EmbeddingReport:
        """Compute the vectors of the present encoder anew, each in the place of the older one.

        Args:
            progress: told (done, total) after each chunk.
            since: a vector that was made after that moment is kept; of a run that was interrupted
                give its beginning to go on with it.
        """
        report = self._process(since or clock.now(), progress)
        self.store.clear_cache()
        return report

    def _process(self, since: datetime | None, progress: Progress | None) -> EmbeddingReport:
        """Embed what has no vector, or none that was made since."""
        identity = self.service.identity
        with self.database.read() as session:
            todo = repository.missing(session, self.store.owner_id, identity.key, since)
            there = repository.counts(session, self.store.owner_id).get(identity.key, 0)
        chunks = [todo[start : start + CHUNK] for start in range(0, len(todo), CHUNK)]
        embedded = done = 0
        with ReadAhead(self.service.prepare, READERS) as ahead:
            for chunk, prepared in ahead.over(chunks):
                embedded += self._store(chunk, prepared, identity, again=since is not None)
                done += len(chunk)
                if progress:
                    progress(done, len(todo))
        report = EmbeddingReport(identity.key, embedded, there if since is None else 0)
        self._stats.update(embedded=report.embedded, already_there=report.already_there)
        return report

    def _store(
        self,
        chunk: Sequence[tuple[int, str]],
        prepared: "Sequence[Prepared | NotFoundError]",
        identity: "EncoderIdentity",
        *,
        again: bool,
    ) -> int:
        found = [one for one in prepared if not isinstance(one, NotFoundError)]
        if len(found) < len(chunk):
            self._refuse_lost(chunk, prepared)
        if not found:
            return 0
        drawings = [
            drawing
            for (drawing, _), one in zip(chunk, prepared, strict=True)
            if not isinstance(one, NotFoundError)
        ]
        rows = dict(zip(drawings, self.service.encode(found), strict=True))
        with self.database.write() as session:
            if again:
                repository.forget_drawings(session, identity.key, drawings)
            return self.store.batch_store_embeddings(session, rows, identity)

    def _refuse_lost(
        self, chunk: Sequence[tuple[int, str]], prepared: "Sequence[Prepared | NotFoundError]"
    ) -> None:
        """A picture may be gone with its drawing, but not alone."""
        there = self._still_there([drawing for drawing, _ in chunk])
        for (drawing, _), one in zip(chunk, prepared, strict=True):
            if isinstance(one, NotFoundError) and drawing in there:
                raise one

    def _still_there(self, drawings: Sequence[int]) -> set[int]:
        """Without the drawings that somebody deleted, picture and all, since the run began."""
        with self.database.read() as session:
            return repository.still_there(session, self.store.owner_id, drawings)
