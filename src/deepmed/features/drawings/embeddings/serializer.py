"""Vectors as raw little-endian float32 bytes with a hash (D-6)."""

import hashlib

import numpy as np
from numpy.typing import NDArray

from deepmed.kit.errors import IntegrityError, ValidationError

Vector = NDArray[np.float32]


class EmbeddingSerializationError(ValidationError):
    """A vector is not what it should be; it was not stored."""

    code = "embedding_serialization"


class EmbeddingSerializer:
    """Turns vectors into bytes and back; a changed byte is noticed."""

    @staticmethod
    def serialize_embedding(vector: Vector) -> bytes:
        EmbeddingSerializer.validate_embedding(vector)
        return vector.astype("<f4").tobytes()

    @staticmethod
    def deserialize_embedding(data: bytes, dimension: int, expected_hash: str) -> Vector:
        """The vector of (dimension,) float32.

        Raises:
            IntegrityError: the bytes are not the ones that were stored.
        """
        check(data, dimension, expected_hash)
        return np.frombuffer(data, dtype="<f4").astype(np.float32)

    @staticmethod
    def validate_embedding(vector: Vector) -> None:
        """Refuse what is not one finite vector."""
        if vector.ndim != 1 or not len(vector):
            raise EmbeddingSerializationError(f"A vector has one dimension, not {vector.shape}.")
        if not np.isfinite(vector).all():
            raise EmbeddingSerializationError("A vector holds values that are not finite.")

    @staticmethod
    def compute_embedding_hash(vector: Vector) -> str:
        return hash_of(vector.astype("<f4").tobytes())


def hash_of(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def check(data: bytes, dimension: int, expected_hash: str) -> None:
    """Refuse bytes that are not the ones that were stored."""
    if len(data) != 4 * dimension or hash_of(data) != expected_hash:
        raise damaged()


def damaged() -> IntegrityError:
    return IntegrityError(
        "A stored embedding is damaged and was not used. `deepmed drawings embed --again` throws "
        "the present encoder's vectors away and computes them anew."
    )
