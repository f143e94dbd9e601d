from typing import Any

import numpy as np
import pytest

from deepmed.app.bench.platform import vectors
from deepmed.app.bench.platform.figures import Figure
from deepmed.core.home import Home
from deepmed.features.drawings.embeddings.search import SimilarityIndex
from deepmed.features.drawings.embeddings.storage import EmbeddingStorage

COUNT = 300


def measured(home: Home) -> dict[str, Figure]:
    return dict(vectors.embeddings(home, COUNT, 0, lambda _: None))


def test_vectors_come_back_as_they_were_and_are_found(opened: Home) -> None:
    found = measured(opened)
    assert list(found) == [
        "embeddings written",
        "embeddings read in order",
        "exact top 10 searched",
    ]
    assert all(figure.value > 0 for figure in found.values())
    assert found["embeddings read in order"].condition[1]
    assert found["exact top 10 searched"].passed


def test_the_speed_is_that_of_the_numbers_alone() -> None:
    given = np.zeros((1000, 768), np.float32)
    figure = vectors._speed([2.0], given)
    assert figure.value == pytest.approx(1000 * 768 * 4 / 1e6 / 2.0)


def test_a_changed_bit_is_noticed(opened: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    read = EmbeddingStorage.retrieve_matrix

    def changed(*arguments: Any) -> Any:
        matrix, ids = read(*arguments)
        matrix[COUNT // 2, 5] += 1e-6
        return matrix, ids

    monkeypatch.setattr(EmbeddingStorage, "retrieve_matrix", changed)
    assert measured(opened)["embeddings read in order"].passed is False


def test_a_neighbour_that_is_passed_over_is_noticed(
    opened: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    nearest = SimilarityIndex.nearest
    monkeypatch.setattr(
        SimilarityIndex, "nearest", lambda self, query, count: nearest(self, query, count + 1)[1:]
    )
    assert measured(opened)["exact top 10 searched"].passed is False
