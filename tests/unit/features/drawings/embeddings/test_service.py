"""From stored pictures to stored vectors."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from deepmed.features.drawings.catalogue import DrawingCatalogue
from deepmed.features.drawings.embeddings import repository, service
from deepmed.features.drawings.workbench import Workbench
from deepmed.kit.errors import ConfigurationError, NotFoundError
from factories.drawings import Sketch, add_drawings, embed, sketches
from factories.encoder import OTHER_NAME

KEY = "ink-grid@fp32/1/page-1"


def test_every_drawing_that_is_not_blank_is_embedded_once(bench: Workbench) -> None:
    add_drawings(bench, [*sketches(5), Sketch(blank=True)])
    first = bench.pipeline.process_batch()
    again = bench.pipeline.process_batch()
    assert (first.embedded, first.already_there) == (5, 0)
    assert (again.embedded, again.already_there) == (0, 5)
    assert first.encoder.startswith(KEY)


def test_a_run_that_stopped_is_completed(bench: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    add_drawings(bench, sketches(10))
    monkeypatch.setattr(service, "CHUNK", 4)

    def stop(done: int, _total: int) -> None:
        if done == 8:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        bench.pipeline.process_batch(stop)
    assert bench.pipeline.process_batch().embedded == 2


def test_embedding_again_gives_the_same_vectors(bench: Workbench) -> None:
    add_drawings(bench, sketches(4))
    embed(bench)
    key = bench.encoding.identity.key
    with bench.database.read() as session:
        before, _ = bench.embeddings.retrieve_matrix(session, None, key)
    assert bench.pipeline.re_embed().embedded == 4
    with bench.database.read() as session:
        after, _ = bench.embeddings.retrieve_matrix(session, None, key)
    np.testing.assert_array_equal(before, after)


def test_a_drawing_that_is_deleted_meanwhile_is_passed_over(
    bench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    pictures = [Sketch(age=7, picture=number) for number in range(4)]
    first, *others = add_drawings(bench, pictures)
    catalogue = DrawingCatalogue(bench.database, bench.storage, bench.owner_id)
    missing = repository.missing

    def missing_and_then_deleted(*arguments: Any) -> list[tuple[int, str]]:
        found = missing(*arguments)
        catalogue.delete_drawing(first)
        return found

    monkeypatch.setattr(repository, "missing", missing_and_then_deleted)
    assert bench.pipeline.process_batch().embedded == len(others)


def test_a_lost_picture_is_named(bench: Workbench) -> None:
    (drawing,) = add_drawings(bench, [Sketch(age=7)])
    path = DrawingCatalogue(bench.database, bench.storage, bench.owner_id).get(drawing).file_path
    bench.storage.delete(path)
    with pytest.raises(NotFoundError, match=path):
        bench.pipeline.process_batch()


@pytest.mark.req("D-5.4")
def test_two_encoders_have_their_own_vectors_of_the_same_drawing(bench: Workbench) -> None:
    add_drawings(bench, sketches(3))
    embed(bench)
    other = replace(bench, settings=bench.settings.model_copy(update={"encoder": OTHER_NAME}))
    assert other.pipeline.process_batch().embedded == 3
    with bench.database.read() as session:
        counts = bench.embeddings.get_storage_stats(session)["embeddings"]
    assert counts == {bench.encoding.identity.key: 3, other.encoding.identity.key: 3}


def test_one_drawing_is_embedded_once(bench: Workbench) -> None:
    first, second = add_drawings(bench, sketches(2))
    catalogue = DrawingCatalogue(bench.database, bench.storage, bench.owner_id)
    file = catalogue.get(first).file_path
    assert bench.pipeline.process_drawing(first, file)
    assert not bench.pipeline.process_drawing(first, file)
    assert bench.pipeline.get_pipeline_stats() == {"embedded": 1, "already_there": 1}
    assert bench.pipeline.process_batch().embedded == 1
    assert bench.pipeline.get_pipeline_stats() == {"embedded": 2, "already_there": 2}
    bench.pipeline.reset_stats()
    assert set(bench.pipeline.get_pipeline_stats().values()) == {0}
    with bench.database.read() as session:
        vector = bench.encoding.retrieve_embedding_from_db(session, first)
        assert bench.encoding.get_storage_stats(session)["embeddings"] == {
            bench.encoding.identity.key: 2
        }
    np.testing.assert_array_equal(vector, bench.encoding.generate_embedding(file))
    assert second != first


def test_vectors_go_through_the_service_into_the_database_and_back(bench: Workbench) -> None:
    (drawing,) = add_drawings(bench, sketches(1))
    vector = np.arange(bench.encoding.get_embedding_dimension(), dtype=np.float32)
    with bench.database.write() as session:
        bench.encoding.store_embedding_for_db(session, drawing, vector)
    key = (bench.owner_id, drawing, bench.encoding.identity.key)
    with bench.database.read() as session:
        np.testing.assert_array_equal(
            bench.encoding.retrieve_embedding_from_db(session, drawing), vector
        )
        assert bench.embeddings.cache.get(key) is not None
        bench.encoding.invalidate_embedding_cache(drawing)
        assert bench.embeddings.cache.get(key) is None
        bench.encoding.retrieve_embedding_from_db(session, drawing)
        bench.encoding.clear_cache()
        assert bench.embeddings.cache.get(key) is None
        with pytest.raises(NotFoundError):
            bench.encoding.retrieve_embedding_from_db(session, drawing + 1)


def test_a_service_without_a_place_for_vectors_says_so(bench: Workbench) -> None:
    alone = service.EmbeddingService(bench.settings, bench.storage)
    with pytest.raises(ConfigurationError, match="not to keep"):
        alone.clear_cache()
