"""Exact nearest neighbours by cosine similarity, through FAISS."""

import faiss
import numpy as np
from numpy.typing import NDArray


class SimilarityIndex:
    """Vectors with ids; asks for the nearest by cosine similarity, ties by the lower id."""

    def __init__(self, vectors: NDArray[np.float32], ids: NDArray[np.int64]) -> None:
        order = np.argsort(ids, kind="stable")  # so that of equals FAISS meets the lower id first
        self.ids = ids[order]
        self._index = faiss.IndexFlatIP(vectors.shape[1]) if len(ids) else None
        if self._index is not None:
            self._index.add(_unit(vectors[order]))

    def nearest(self, vector: NDArray[np.float32], count: int) -> list[tuple[int, float]]:
        """The `count` nearest as (id, cosine similarity), most similar first."""
        if self._index is None or count < 1:
            return []
        similarity, rows = self._index.search(_unit(vector[None, :]), min(count, len(self.ids)))
        cosines = np.clip(similarity[0], -1.0, 1.0)  # the last bit may lie beyond
        found = zip(self.ids[rows[0]].tolist(), cosines.tolist(), strict=True)
        return sorted(found, key=lambda pair: (-pair[1], pair[0]))


def _unit(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit: NDArray[np.float32] = np.ascontiguousarray(
        vectors / np.maximum(length, np.finfo(np.float32).tiny), dtype=np.float32
    )
    return unit
