"""Vectors beside their drawings: what each row says, and who may read it."""

import numpy as np
import pytest
from sqlalchemy import delete, select, update

from deepmed.features.drawings.embeddings import repository
from deepmed.features.drawings.embeddings.storage import EmbeddingStorage
from deepmed.features.drawings.tables import Drawing, DrawingEmbedding
from deepmed.features.drawings.workbench import Workbench
from deepmed.kit.errors import IntegrityError, NotFoundError
from deepmed.learning.encoders import HogPyramidEncoder
from factories.drawings import Sketch, add_drawings, add_vectors, embed, line_drawing, sketches
from factories.encoder import OTHER_NAME, InkGridEncoder


def random_vectors(rows: int) -> np.ndarray:
    return np.random.default_rng(rows).normal(size=(rows, 64)).astype(np.float32)


@pytest.mark.req("D-5.3")
def test_each_row_says_which_encoder_weights_and_preprocessing_made_it(bench: Workbench) -> None:
    (drawing,) = add_drawings(bench, [Sketch()])
    encoder = HogPyramidEncoder("cpu")
    vector = encoder.embed([line_drawing(0, 7.0)])[0]
    with bench.database.write() as session:
        bench.embeddings.store_embedding(session, drawing, vector, encoder.identity)
    with bench.database.read() as session:
        row = session.scalars(select(DrawingEmbedding)).one()
    identity = encoder.identity
    assert row.encoder_name == identity.name == "hog-pyramid"
    assert row.encoder_version == identity.version
    assert row.weight_hash == identity.weight_hash
    assert row.preprocessing_version == identity.preprocessing_version
    assert row.encoder == identity.key
    assert row.vector_dimension == 768
    assert len(row.embedding_vector) == 4 * 768


@pytest.mark.req("D-6.1")
def test_a_batch_is_stored_once_and_read_back_in_order_of_drawing(bench: Workbench) -> None:
    ids = add_drawings(bench, sketches(700))
    vectors = random_vectors(700)
    add_vectors(bench, ids, vectors)
    with bench.database.write() as session:
        stored = dict(zip(ids, vectors * 2, strict=True))
        again = bench.embeddings.batch_store_embeddings(session, stored, bench.encoding.identity)
    assert again == 0
    key = bench.encoding.identity.key
    with bench.database.read() as session:
        everything, found = bench.embeddings.retrieve_matrix(session, None, key)
        some, chosen = bench.embeddings.retrieve_matrix(session, ids[:600:-7], key)
    np.testing.assert_array_equal(found, ids)
    np.testing.assert_array_equal(everything, vectors)
    np.testing.assert_array_equal(chosen, sorted(ids[:600:-7]))
    np.testing.assert_array_equal(some, vectors[np.searchsorted(ids, chosen)])


@pytest.mark.req("D-6.1")
def test_a_byte_changed_in_the_database_is_noticed(bench: Workbench) -> None:
    ids = add_drawings(bench, sketches(2))
    add_vectors(bench, ids, random_vectors(2))
    key = bench.encoding.identity.key
    with bench.database.write() as session:
        row = session.scalars(select(DrawingEmbedding)).first()
        assert row is not None
        damaged = bytes([row.embedding_vector[0] ^ 1]) + row.embedding_vector[1:]
        session.execute(
            update(DrawingEmbedding)
            .where(DrawingEmbedding.id == row.id)
            .values(embedding_vector=damaged)
        )
    with bench.database.read() as session, pytest.raises(IntegrityError, match="damaged"):
        bench.embeddings.retrieve_matrix(session, None, key)


@pytest.mark.req("D-5.4")
def test_a_vector_of_another_encoder_is_not_found(bench: Workbench) -> None:
    (drawing,) = add_drawings(bench, [Sketch()])
    embed(bench)
    other = InkGridEncoder(OTHER_NAME, turned=True).identity.key
    with bench.database.read() as session:
        assert len(bench.embeddings.retrieve_matrix(session, [drawing], other)[1]) == 0
        with pytest.raises(NotFoundError, match=OTHER_NAME):
            bench.embeddings.retrieve_embedding(session, drawing, other)


def test_a_deleted_drawing_gets_no_vector_and_takes_its_own_along(bench: Workbench) -> None:
    kept, gone = add_drawings(bench, sketches(2))
    add_vectors(bench, [kept, gone], random_vectors(2))
    with bench.database.write() as session:
        session.execute(delete(Drawing).where(Drawing.id == gone))
    with bench.database.write() as session:
        rows = {gone: np.ones(64, np.float32)}
        assert bench.embeddings.batch_store_embeddings(session, rows, bench.encoding.identity) == 0
    with bench.database.read() as session:
        _, found = bench.embeddings.retrieve_matrix(session, None, bench.encoding.identity.key)
    assert found.tolist() == [kept]


@pytest.mark.req("S-3.1")
def test_another_owners_vectors_are_not_found_nor_written(
    bench: Workbench, other_owner_id: int
) -> None:
    ids = add_drawings(bench, sketches(3))
    add_vectors(bench, ids, random_vectors(3))
    stranger = EmbeddingStorage(other_owner_id)
    identity = bench.encoding.identity
    with bench.database.write() as session:
        assert len(stranger.retrieve_matrix(session, ids, identity.key)[1]) == 0
        assert len(stranger.retrieve_matrix(session, None, identity.key)[1]) == 0
        with pytest.raises(NotFoundError):
            stranger.retrieve_embedding(session, ids[0], identity.key)
        other = InkGridEncoder(OTHER_NAME, turned=True).identity
        rows = {ids[0]: np.ones(64, np.float32)}
        assert stranger.batch_store_embeddings(session, rows, other) == 0
        assert repository.forget(session, identity.key, other_owner_id) == 0


def test_a_vector_read_once_comes_from_the_cache_until_it_is_dropped(bench: Workbench) -> None:
    (drawing,) = add_drawings(bench, [Sketch()])
    embed(bench)
    key = bench.encoding.identity.key
    with bench.database.read() as session:
        first = bench.embeddings.retrieve_embedding(session, drawing, key)
        assert bench.embeddings.retrieve_embedding(session, drawing, key) is first
        bench.embeddings.invalidate_cache(drawing, key)
        again = bench.embeddings.retrieve_embedding(session, drawing, key)
        stats = bench.embeddings.get_storage_stats(session)
    assert again is not first
    np.testing.assert_array_equal(again, first)
    assert stats["embeddings"] == {key: 1}
