"""Whose vectors there are, made anew, kept and deleted."""

from pathlib import Path

import numpy as np
import pytest

from deepmed.features.drawings.embeddings import repository
from deepmed.features.drawings.encoders import names, stored
from deepmed.features.drawings.encoders.names import checked
from deepmed.features.drawings.workbench import Workbench
from deepmed.kit import clock
from deepmed.kit.errors import ConflictError, NotFoundError, ValidationError
from factories.drawings import add_drawings, embed, sketches
from factories.encoder import OTHER_NAME


def counts(bench: Workbench) -> dict[str, int]:
    with bench.database.read() as session:
        return repository.counts(session, bench.owner_id)


def made(bench: Workbench) -> dict[int, object]:
    with bench.database.read() as session:
        key = bench.encoding.identity.key
        rows = (repository.row_of(session, drawing, key) for drawing in range(1, 11))
        return {row.drawing_id: row.created_timestamp for row in rows if row is not None}


@pytest.mark.req("D-5.4")
def test_vectors_of_an_earlier_encoder_are_kept_until_they_are_deleted(bench: Workbench) -> None:
    add_drawings(bench, sketches(4))
    embed(bench)
    other = bench.with_encoder(OTHER_NAME)
    other.pipeline.process_batch()
    mine, its = bench.encoding.identity.key, other.encoding.identity.key
    assert counts(bench) == {mine: 4, its: 4}
    with bench.database.read() as session:
        found = stored.stored(bench, session)
    assert [(one.encoder, one.drawings, one.is_present) for one in found] == [
        (mine, 4, True),
        (its, 4, False),
    ]
    assert stored.delete(bench, its) == 4
    assert counts(bench) == {mine: 4}
    with pytest.raises(NotFoundError):
        stored.delete(bench, its)


def test_an_encoder_of_no_drawing_is_listed_as_the_present_one(bench: Workbench) -> None:
    add_drawings(bench, sketches(3))
    with bench.database.read() as session:
        (only,) = stored.stored(bench, session)
        assert stored.missing(bench, session) == 3
    assert (only.drawings, only.is_present, only.model_ids) == (0, True, [])


def test_the_present_encoders_vectors_are_not_deleted(bench: Workbench) -> None:
    add_drawings(bench, sketches(2))
    embed(bench)
    with pytest.raises(ConflictError, match="present encoder"):
        stored.delete(bench, bench.encoding.identity.key)
    assert list(counts(bench).values()) == [2]


@pytest.mark.req("D-5.4")
def test_vectors_that_models_in_use_take_are_not_deleted(trained: Workbench) -> None:
    key = trained.encoding.identity.key
    other = trained.with_encoder(OTHER_NAME)
    before = counts(trained)
    with trained.database.read() as session:
        models = {one.encoder: one.model_ids for one in stored.stored(other, session)}
    assert len(models[key]) >= 3
    with pytest.raises(ConflictError, match="train --replace"):
        stored.delete(other, key)
    assert counts(trained) == before


def test_anothers_vectors_are_neither_seen_nor_deleted(
    bench: Workbench, second_bench: Workbench
) -> None:
    add_drawings(bench, sketches(2))
    bench.with_encoder(OTHER_NAME).pipeline.process_batch()
    key = bench.with_encoder(OTHER_NAME).encoding.identity.key
    with pytest.raises(NotFoundError):
        stored.delete(second_bench, key)
    assert counts(bench)[key] == 2


def test_embedding_again_replaces_chunk_by_chunk_and_goes_on_where_it_stopped(
    bench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_drawings(bench, sketches(10))
    embed(bench)
    first = made(bench)
    monkeypatch.setattr("deepmed.features.drawings.embeddings.service.CHUNK", 4)
    began = clock.now()

    def stop(done: int, _total: int) -> None:
        assert len(made(bench)) == 10  # never fewer vectors than before
        if done == 8:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        bench.pipeline.re_embed(stop, began)
    between = made(bench)
    assert sum(between[drawing] != first[drawing] for drawing in first) == 8
    assert bench.pipeline.re_embed(None, began).embedded == 2
    after = made(bench)
    assert all(after[drawing] != first[drawing] for drawing in first)
    assert sum(after[drawing] == between[drawing] for drawing in first) == 8


def test_a_new_vector_takes_the_place_of_the_old_one_in_searches(bench: Workbench) -> None:
    add_drawings(bench, sketches(4))
    embed(bench)
    key = bench.encoding.identity.key
    with bench.database.read() as session:
        vector = bench.embeddings.retrieve_embedding(session, 1, key)
        before = bench.embeddings.nearest(session, vector, key, 4)
    bench.pipeline.re_embed()
    with bench.database.read() as session:
        again = bench.embeddings.nearest(session, vector, key, 4)
        fresh = bench.embeddings.retrieve_embedding(session, 1, key)
    assert again == before
    assert np.array_equal(vector, fresh)


@pytest.mark.req("S-16.1")
def test_only_known_names_may_be_asked_for_and_never_a_folder(
    bench: Workbench, tmp_path: Path
) -> None:
    for name in (OTHER_NAME, "scattering", "scattering@onnx", "google/vit-base-patch16-224@bf16"):
        assert checked(name, bench.settings) == name
    assert names.offered(bench.settings)[0] == bench.settings.encoder
    for name in (str(tmp_path), "../weights", "somebody/else", "scattering@fp8", ""):
        with pytest.raises(ValidationError, match="Choose one of"):
            checked(name, bench.settings)
