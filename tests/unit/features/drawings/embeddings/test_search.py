"""The search finds what comparing with every vector finds."""

import numpy as np
import pytest

from deepmed.features.drawings.embeddings.search import SimilarityIndex


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
