"""From stored pictures to stored vectors."""

from dataclasses import replace

import numpy as np
import pytest

from deepmed.features.drawings.embeddings import service
from deepmed.features.drawings.workbench import Workbench
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


@pytest.mark.req("D-5.4")
def test_two_encoders_have_their_own_vectors_of_the_same_drawing(bench: Workbench) -> None:
    add_drawings(bench, sketches(3))
    embed(bench)
    other = replace(bench, settings=bench.settings.model_copy(update={"encoder": OTHER_NAME}))
    assert other.pipeline.process_batch().embedded == 3
    with bench.database.read() as session:
        counts = bench.embeddings.get_storage_stats(session)["embeddings"]
    assert counts == {bench.encoding.identity.key: 3, other.encoding.identity.key: 3}
