"""The search finds what comparing with every vector finds."""

import numpy as np
import pytest
from sqlalchemy import delete

from deepmed.features.drawings.embeddings.search import SimilarityIndex
from deepmed.features.drawings.tables import Drawing, DrawingEmbedding
from deepmed.features.drawings.workbench import Workbench
from factories.drawings import add_drawings, embed, sketches


def brute_force(
    vectors: np.ndarray, ids: np.ndarray, query: np.ndarray, count: int
) -> list[tuple[int, float]]:
    wide, wanted = vectors.astype(np.float64), query.astype(np.float64)
    cosines = wide @ wanted / np.linalg.norm(wide, axis=1) / np.linalg.norm(wanted)
    order = np.lexsort((ids, -cosines))[:count]
    return [(int(ids[place]), float(cosines[place])) for place in order]


@pytest.mark.req("D-6.1")
@pytest.mark.parametrize(("rows", "dimension", "count"), [(1, 3, 5), (40, 8, 7), (900, 96, 25)])
def test_the_search_equals_brute_force(rows: int, dimension: int, count: int) -> None:
    random = np.random.default_rng(rows)
    vectors = random.normal(size=(rows, dimension)).astype(np.float32)
    ids = random.permutation(5 * rows)[:rows].astype(np.int64)
    index = SimilarityIndex(vectors, ids)
    for query in random.normal(size=(20, dimension)).astype(np.float32):
        found = index.nearest(query, count)
        expected = brute_force(vectors, ids, query, count)
        assert [one for one, _ in found] == [one for one, _ in expected]
        np.testing.assert_allclose(
            [similarity for _, similarity in found],
            [similarity for _, similarity in expected],
            atol=1e-6,
        )


def crowds(rows: int, dimension: int, apart: float) -> np.ndarray:
    """Many vectors about each of five, so like each other that half a precision mixes them up."""
    random = np.random.default_rng(rows)
    middles = random.normal(size=(5, dimension))[random.integers(5, size=rows)]
    return (middles + apart * random.normal(size=(rows, dimension))).astype(np.float32)


@pytest.mark.req("D-6.1")
@pytest.mark.parametrize("apart", [0.3, 0.02])
def test_the_nearest_in_a_crowd_are_the_exact_ones(apart: float) -> None:
    vectors = crowds(3000, 64, apart)
    ids = np.arange(3000)
    index = SimilarityIndex(vectors, ids)
    for query in vectors[::200]:
        found = index.nearest(query, 10)
        expected = brute_force(vectors, ids, query, 10)
        assert [one for one, _ in found] == [one for one, _ in expected]


@pytest.mark.req("D-6.1")
@pytest.mark.parametrize("apart", [1.0, 0.02])
@pytest.mark.parametrize("number", [3, 100, 2000])
def test_among_some_the_nearest_of_these_are_found(apart: float, number: int) -> None:
    vectors, ids = crowds(3000, 64, apart), np.arange(1, 3001)
    index = SimilarityIndex(vectors, ids)
    for seed, query in enumerate(vectors[::500]):
        among = np.random.default_rng(seed).permutation(4000)[:number]  # some that are not there
        there = among[(among > 0) & (among <= 3000)]
        found = index.nearest(query, 10, among)
        expected = brute_force(vectors[there - 1], there, query, 10)
        assert {one for one, _ in found} <= set(there.tolist())
        # Two that differ in the eighth digit may change places, as vectors are single precision.
        likeness = [[similarity for _, similarity in each] for each in (found, expected)]
        np.testing.assert_allclose(*likeness, atol=1e-7)


@pytest.mark.parametrize("equals", [400, 2000])
def test_among_many_equal_ones_the_lowest_ids_are_found(equals: int) -> None:
    vectors = np.concatenate([crowds(1000, 16, 1.0), np.ones((equals, 16), np.float32)])
    ids = np.arange(len(vectors))[::-1].copy()
    found = SimilarityIndex(vectors, ids).nearest(np.ones(16, np.float32), 5)
    assert [one for one, _ in found] == [0, 1, 2, 3, 4]


def test_of_equal_ones_the_lower_id_comes_first_also_where_the_list_ends() -> None:
    vectors = np.ones((6, 3), dtype=np.float32)
    index = SimilarityIndex(vectors, np.array([9, 4, 7, 1, 8, 3]))
    found = index.nearest(np.ones(3, dtype=np.float32), 3)
    assert [one for one, _ in found] == [1, 3, 4]


def test_a_similarity_never_leaves_its_scale() -> None:
    random = np.random.default_rng(0)
    vectors = random.normal(size=(300, 768)).astype(np.float32)
    index = SimilarityIndex(vectors, np.arange(300))
    assert all(index.nearest(vector, 1)[0][1] <= 1.0 for vector in vectors)
    assert all(index.nearest(-vector, 300)[-1][1] >= -1.0 for vector in vectors[:20])


def test_nothing_is_found_among_none_and_none_are_asked_for() -> None:
    empty = SimilarityIndex(np.zeros((0, 3), np.float32), np.zeros(0, np.int64))
    assert empty.nearest(np.ones(3, np.float32), 3) == []
    one = SimilarityIndex(np.ones((1, 3), np.float32), np.array([5]))
    assert one.nearest(np.ones(3, np.float32), 0) == []


class TestStoredVectors:
    """What is kept in memory is what the database holds, after every kind of change."""

    @staticmethod
    def ids(bench: Workbench, asked: int = 1000) -> list[int]:
        encoder = bench.encoding.identity.key
        with bench.database.read() as session:
            vector = np.ones(bench.encoding.identity.dimension, np.float32)
            near = bench.embeddings.nearest(session, vector, encoder, asked)
        return sorted(number for number, _ in near)

    def test_new_vectors_are_found_by_the_next_question(self, bench: Workbench) -> None:
        first = add_drawings(bench, sketches(5))
        embed(bench)
        assert self.ids(bench) == first
        second = add_drawings(bench, sketches(3, 9.5))
        embed(bench)
        assert self.ids(bench) == [*first, *second]

    def test_deleted_ones_are_gone_with_the_next_count(
        self, bench: Workbench, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("deepmed.features.drawings.embeddings.search.COUNT_SECONDS", 0.0)
        numbers = add_drawings(bench, sketches(5))
        embed(bench)
        assert self.ids(bench) == numbers
        with bench.database.write() as session:  # as another process would
            session.execute(delete(Drawing).where(Drawing.id == numbers[2]))
        assert self.ids(bench) == [*numbers[:2], *numbers[3:]]

    def test_vectors_that_were_made_again_replace_the_old_ones(self, bench: Workbench) -> None:
        numbers = add_drawings(bench, sketches(5))
        embed(bench)
        assert self.ids(bench) == numbers
        with bench.database.write() as session:
            session.execute(delete(DrawingEmbedding))
        embed(bench)
        assert self.ids(bench) == numbers

    def test_a_vector_that_was_late_takes_its_place_by_its_drawing(self) -> None:
        random = np.random.default_rng(0)
        vectors = random.normal(size=(6, 8)).astype(np.float32)
        late = SimilarityIndex(vectors[[0, 1, 4, 5]], np.array([1, 2, 5, 6])).extend(
            vectors[[2, 3]], np.array([3, 4])
        )
        whole = SimilarityIndex(vectors, np.arange(1, 7))
        for vector in vectors:
            found, expected = late.nearest(vector, 6), whole.nearest(vector, 6)
            assert [number for number, _ in found] == [number for number, _ in expected]
