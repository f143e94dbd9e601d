"""Vectors go straight to the driver and come back whole, the same on each engine."""

from datetime import UTC, datetime

import numpy as np
import pytest
from sqlalchemy import select, update

from deepmed.app.bench.platform.drawings import add_drawings
from deepmed.core.accounts.repository import local_owner_id
from deepmed.core.home import Home
from deepmed.features.drawings.embeddings.storage import EmbeddingStorage
from deepmed.features.drawings.tables import DrawingEmbedding
from deepmed.kit import clock
from deepmed.kit.database import Database
from deepmed.kit.errors import IntegrityError
from deepmed.kit.settings import Settings
from deepmed.learning.encoders import EncoderIdentity

pytestmark = pytest.mark.req("P-4.1")

IDENTITY = EncoderIdentity("edges'\\%s", "1", "0" * 64, "page-1", "fp32", 8)
ON_THE_SECOND = datetime(2026, 7, 1, 12, 0, 0, tzinfo=UTC)
AWKWARD = np.frombuffer(b"'\\%\x3f\x00\x00\x00\x00%s\"\x3e\xff\xfe\x0a\x1a" * 2, "<f4")


@pytest.fixture
def owned(any_settings: Settings, any_database: Database) -> Home:
    with any_database.write() as session:
        owner = local_owner_id(session)
    return Home(any_settings, any_database, owner)


@pytest.mark.req("D-6.1")
@pytest.mark.parametrize(
    "moment", [ON_THE_SECOND, ON_THE_SECOND.replace(microsecond=7)], ids=["second", "microsecond"]
)
def test_vectors_come_back_bit_by_bit_with_all_that_is_said_of_them(
    owned: Home, monkeypatch: pytest.MonkeyPatch, moment: datetime
) -> None:
    ids = add_drawings(owned, 1200)
    vectors = np.random.default_rng(0).normal(size=(1200, 8)).astype(np.float32)
    vectors[5] = AWKWARD
    storage = EmbeddingStorage(owned.owner_id)
    monkeypatch.setattr(clock, "now", lambda: moment)
    with owned.database.write() as session:
        for part in (slice(600, 1200), slice(0, 600)):  # so the newer drawings' rows come first
            rows = dict(zip(ids[part], vectors[part], strict=True))
            assert storage.batch_store_embeddings(session, rows, IDENTITY) == 600
    with owned.database.read() as session:
        matrix, found = storage.retrieve_matrix(session, None, IDENTITY.key)
        some, chosen = storage.retrieve_matrix(session, ids[::-3], IDENTITY.key)
        row = session.scalars(
            select(DrawingEmbedding).where(DrawingEmbedding.drawing_id == ids[5])
        ).one()
    assert found.tolist() == ids
    assert matrix.tobytes() == vectors.tobytes()
    assert chosen.tolist() == sorted(ids[::-3])
    assert some.tobytes() == vectors[::-1][::3][::-1].tobytes()
    assert row.created_timestamp == moment
    assert (row.encoder, row.encoder_name) == (IDENTITY.key, IDENTITY.name)
    assert row.embedding_vector == AWKWARD.tobytes()


@pytest.mark.req("D-6.1")
def test_no_row_of_many_is_taken_unchecked(owned: Home) -> None:
    ids = add_drawings(owned, 700)
    storage = EmbeddingStorage(owned.owner_id)
    with owned.database.write() as session:
        rows = dict.fromkeys(ids, np.ones(8, np.float32))
        storage.batch_store_embeddings(session, rows, IDENTITY)
        session.execute(
            update(DrawingEmbedding)
            .where(DrawingEmbedding.drawing_id == ids[-1])
            .values(embedding_vector=np.full(8, 2, np.float32).tobytes())
        )
    with owned.database.read() as session, pytest.raises(IntegrityError, match="damaged"):
        storage.retrieve_matrix(session, None, IDENTITY.key)
