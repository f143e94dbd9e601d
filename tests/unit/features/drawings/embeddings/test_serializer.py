"""Vectors as bytes and back."""

import struct
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest

from deepmed.features.drawings import embeddings
from deepmed.features.drawings.embeddings.serializer import (
    EmbeddingSerializationError,
    EmbeddingSerializer,
)
from deepmed.kit.errors import IntegrityError

VECTOR = np.array([1.5, -2.25, 3.0e-7, 65504.0], dtype=np.float32)


@pytest.mark.req("D-6.1")
def test_a_vector_is_stored_as_raw_little_endian_float32() -> None:
    data = EmbeddingSerializer.serialize_embedding(VECTOR)
    assert data == struct.pack("<4f", *VECTOR.tolist())


@pytest.mark.req("D-6.1")
def test_a_big_endian_or_wider_vector_gives_the_same_bytes() -> None:
    data = EmbeddingSerializer.serialize_embedding(VECTOR)
    assert EmbeddingSerializer.serialize_embedding(VECTOR.astype(">f4")) == data
    assert EmbeddingSerializer.serialize_embedding(VECTOR.astype(np.float64)) == data


@pytest.mark.req("D-6.1")
def test_a_vector_comes_back_bit_by_bit_and_may_be_written_to() -> None:
    data = EmbeddingSerializer.serialize_embedding(VECTOR)
    digest = EmbeddingSerializer.compute_embedding_hash(VECTOR)
    again = EmbeddingSerializer.deserialize_embedding(data, 4, digest)
    assert again.dtype == np.float32
    assert again.tobytes() == data
    again[0] = 0


@pytest.mark.req("D-6.1")
def test_the_hash_is_that_of_the_bytes() -> None:
    data = EmbeddingSerializer.serialize_embedding(VECTOR)
    assert EmbeddingSerializer.compute_embedding_hash(VECTOR) == sha256(data).hexdigest()


@pytest.mark.req("D-6.1")
@pytest.mark.parametrize("place", [0, 7, 15])
def test_a_changed_byte_is_refused(place: int) -> None:
    data = bytearray(EmbeddingSerializer.serialize_embedding(VECTOR))
    digest = EmbeddingSerializer.compute_embedding_hash(VECTOR)
    data[place] ^= 1
    with pytest.raises(IntegrityError, match="damaged and was not used"):
        EmbeddingSerializer.deserialize_embedding(bytes(data), 4, digest)


@pytest.mark.req("D-6.1")
def test_another_shape_than_the_stored_one_is_refused() -> None:
    data = EmbeddingSerializer.serialize_embedding(VECTOR)
    digest = EmbeddingSerializer.compute_embedding_hash(VECTOR)
    with pytest.raises(IntegrityError):
        EmbeddingSerializer.deserialize_embedding(data, 2, digest)


@pytest.mark.parametrize(
    "vector",
    [
        np.array([1.0, np.nan], dtype=np.float32),
        np.array([1.0, np.inf], dtype=np.float32),
        np.zeros((2, 2), dtype=np.float32),
        np.zeros(0, dtype=np.float32),
    ],
)
def test_what_is_no_finite_vector_is_refused(vector: np.ndarray) -> None:
    with pytest.raises(EmbeddingSerializationError):
        EmbeddingSerializer.serialize_embedding(vector)


@pytest.mark.req("D-6.1")
def test_no_code_of_the_embeddings_pickles() -> None:
    sources = Path(str(embeddings.__file__)).parent.glob("*.py")
    text = "".join(path.read_text(encoding="utf-8") for path in sources)
    assert "pickle" not in text
    assert "np.load" not in text
