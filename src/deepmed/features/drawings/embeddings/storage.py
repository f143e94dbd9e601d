"""Where vectors live: in the database beside the drawing they belong to, cached in memory.

A vector goes with its drawing (the row is deleted with it), is written in the same transaction
as whatever depends on it, and is checked against its hash when it is read.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from sqlalchemy.orm import Session

from deepmed.features.drawings.embeddings import repository
from deepmed.features.drawings.embeddings.cache import EmbeddingCache
from deepmed.features.drawings.embeddings.matrix import Ids, Matrix, to_matrix
from deepmed.features.drawings.embeddings.search import StoredVectors
from deepmed.features.drawings.embeddings.serializer import EmbeddingSerializer, Vector, hash_of
from deepmed.kit import clock
from deepmed.kit.errors import NotFoundError

if TYPE_CHECKING:
    from deepmed.learning.encoders import EncoderIdentity


class EmbeddingStorage:
    """Stores and finds vectors of one owner; never mixes encoders: each call names one."""

    def __init__(self, owner_id: int, cache: EmbeddingCache | None = None) -> None:
        self.owner_id = owner_id
        self.cache = cache or EmbeddingCache()
        self._searched: dict[str, StoredVectors] = {}

    def store_embedding(
        self, session: Session, drawing_id: int, vector: Vector, identity: "EncoderIdentity"
    ) -> None:
        self.batch_store_embeddings(session, {drawing_id: vector}, identity)

    def batch_store_embeddings(
        self, session: Session, vectors: Mapping[int, Vector], identity: "EncoderIdentity"
    ) -> int:
        """Store what is not there yet; returns how many were added.

        Drawings that were deleted meanwhile, and other owners' drawings, are passed over.
        """
        wanted = repository.lacking(session, self.owner_id, identity.key, sorted(vectors))
        rows = [_own(drawing, vectors[drawing]) for drawing in wanted]
        repository.add_all(session, rows, _common(identity))
        return len(wanted)

    def retrieve_embedding(self, session: Session, drawing_id: int, encoder: str) -> Vector:
        """One vector.

        Raises:
            NotFoundError: this encoder has not embedded the drawing.
        """
        cached = self.cache.get((self.owner_id, drawing_id, encoder))
        if cached is not None:
            return cached
        matrix, found = self.retrieve_matrix(session, [drawing_id], encoder)
        if not len(found):
            raise NotFoundError(
                f"Drawing {drawing_id} has no embedding of {encoder}. "
                "Run `deepmed drawings embed` first."
            )
        vector: Vector = matrix[0]
        self.cache.put((self.owner_id, drawing_id, encoder), vector)
        return vector

    def retrieve_matrix(
        self, session: Session, drawing_ids: Sequence[int] | None, encoder: str
    ) -> tuple[Matrix, Ids]:
        """(n, d) float32 and the (n,) ids found, in order of id; all drawings for None."""
        if drawing_ids is None:
            number = repository.standing(session, encoder).number
            with repository.all_vectors(session, self.owner_id, encoder) as everything:
                return to_matrix(everything, number)
        rows = repository.vectors(session, self.owner_id, encoder, drawing_ids)
        return to_matrix(rows, len(drawing_ids))

    def nearest(
        self,
        session: Session,
        vector: Vector,
        encoder: str,
        count: int,
        among: Ids | None = None,
    ) -> list[tuple[int, float]]:
        """The drawings with the nearest vectors of an encoder, as (drawing, cosine similarity).

        Most similar first; among all drawings, or among those named alone.
        """
        stored = self._searched.setdefault(encoder, StoredVectors(self.owner_id, encoder))
        return stored.nearest(session, vector, count, among)

    def invalidate_cache(self, drawing_id: int, encoder: str) -> None:
        self.cache.remove((self.owner_id, drawing_id, encoder))

    def clear_cache(self) -> None:
        self.cache.clear()
        self._searched.clear()

    def get_storage_stats(self, session: Session) -> dict[str, object]:
        return {
            "embeddings": repository.counts(session, self.owner_id),
            "cache": self.cache.get_stats(),
        }


def _own(drawing_id: int, vector: Vector) -> repository.StoredVector:
    data = EmbeddingSerializer.serialize_embedding(vector)
    return drawing_id, len(vector), hash_of(data), data


def _common(identity: "EncoderIdentity") -> dict[str, object]:
    return {
        "encoder": identity.key,
        "encoder_name": identity.name,
        "encoder_version": identity.version,
        "weight_hash": identity.weight_hash,
        "preprocessing_version": identity.preprocessing_version,
        "created_timestamp": clock.now(),
    }
