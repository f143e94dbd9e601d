"""Exact nearest neighbours by cosine similarity, through FAISS."""

import math
import time
from threading import Lock
from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from deepmed.features.drawings.embeddings import repository
from deepmed.features.drawings.embeddings.matrix import to_matrix

Vectors = NDArray[np.float32]
Ids = NDArray[np.int64]
ROUNDED = 5e-4
"""By how much a cosine of unit vectors can change where the elements of one are rounded to half
precision: by 2^-11, as they are rounded by at most that part of themselves; and a little more for
the smallest ones and for sums in single precision."""
FURTHER = 512
"""So many beyond those asked for are taken out of half precision, to be compared exactly."""
AT_ONCE = 32
COUNT_SECONDS = 5.0
Neighbours = list[tuple[int, float]]
"""(id, cosine similarity), most similar first, ties by the lower id."""


class SimilarityIndex:
    """Vectors with ids; asks for the nearest by cosine similarity, ties by the lower id.

    FAISS goes through vectors in half precision several times as fast as through the exact ones.
    So it first finds all that can be among the nearest, and only these are compared exactly.
    """

    def __init__(self, vectors: Vectors, ids: NDArray[np.int64]) -> None:
        order = np.argsort(ids, kind="stable")  # so that of equals FAISS meets the lower id first
        self.ids = ids[order]
        size, half = vectors.shape[1], faiss.ScalarQuantizer.QT_fp16
        self._index = faiss.IndexFlatIP(size)
        self._rounded = faiss.IndexScalarQuantizer(size, half, faiss.METRIC_INNER_PRODUCT)
        self._add(vectors[order])

    def __len__(self) -> int:
        return len(self.ids)

    def extend(self, vectors: Vectors, ids: NDArray[np.int64]) -> "SimilarityIndex":
        """With further vectors; this index itself, where their ids come after all others."""
        if not len(ids):
            return self
        if not len(self):
            return SimilarityIndex(vectors, ids)
        if (np.diff(ids) > 0).all() and ids[0] > self.ids[-1]:
            self._add(vectors)
            self.ids = np.concatenate([self.ids, ids])
            return self
        kept = np.isin(self.ids, ids, invert=True)
        old = self._index.reconstruct_n(0, len(self.ids))[kept]
        return SimilarityIndex(
            np.concatenate([old, vectors]), np.concatenate([self.ids[kept], ids])
        )

    def nearest(self, vector: Vectors, count: int, among: Ids | None = None) -> Neighbours:
        """The `count` nearest as (id, cosine similarity), most similar first.

        Args:
            vector: (d,).
            count: how many, or as many as there are.
            among: (m,) ids that may be found; None: all.
        """
        rows = None if among is None else np.flatnonzero(np.isin(self.ids, among))
        there = len(self.ids) if rows is None else len(rows)
        if not there or count < 1:
            return []
        unit = _unit(vector[None, :])
        found = self._likely(unit, count, there, _only(rows))
        if found is None:
            asked = min(count, there)
            near, places = self._index.search(unit, asked, params=_only(rows))
            similarity, found = near[0].astype(np.float64), places[0]
        else:
            similarity = self._exactly(unit, found)
        cosines = np.clip(similarity, -1.0, 1.0)  # the last bit may lie beyond
        order = np.lexsort((self.ids[found], -cosines))[:count]
        return list(zip(self.ids[found][order].tolist(), cosines[order].tolist(), strict=True))

    def _exactly(self, unit: Vectors, rows: NDArray[np.int64]) -> NDArray[np.float64]:
        """A few rows at a time: a large block of memory is fetched anew each time, and cleared."""
        return np.concatenate(
            [
                # Not as a matrix product, in which equal rows may differ in the last bit.
                (self._index.reconstruct_batch(some).astype(np.float64) * unit).sum(axis=1)
                for some in np.split(rows, range(AT_ONCE, len(rows), AT_ONCE))
            ]
        )

    def _add(self, vectors: Vectors) -> None:
        units = _unit(vectors)
        self._index.add(units)
        self._rounded.add(units)

    def _likely(self, unit: Vectors, count: int, there: int, only: Any) -> NDArray[np.int64] | None:
        """The rows among which the nearest are for sure; None where that takes too many."""
        asked = count + FURTHER
        if asked >= there:
            return None
        found, rows = self._rounded.search(unit, asked, params=only)
        # The nearest are no less similar than this, and none of them seems less by twice the error.
        likely = found[0] >= found[0][count - 1] - 2 * ROUNDED
        return None if likely[-1] else rows[0][likely]


class StoredVectors:
    """All vectors of an owner and encoder in memory, kept up with the database.

    A vector never changes, so only new ones are read. Where some are gone all are read again, so
    that nothing of a deleted drawing stays here.
    """

    def __init__(self, owner_id: int, encoder: str) -> None:
        self._owner_id = owner_id
        self._encoder = encoder
        self._lock = Lock()
        self._index = _nothing()
        self._number = self._newest = 0
        self._counted = -math.inf

    def nearest(
        self, session: Session, vector: Vectors, count: int, among: Ids | None = None
    ) -> Neighbours:
        """The drawings with the nearest vectors: of those named, or whatever drawings they are."""
        with self._lock:
            self._keep_up(session)
            return self._index.nearest(vector, count, among)

    def __len__(self) -> int:
        return len(self._index)

    def _keep_up(self, session: Session) -> None:
        # Counting takes longer than searching, and only a deletion lowers the number: whoever
        # asks passes over what is gone, so it may be forgotten some seconds later.
        newest = repository.newest(session, self._encoder)
        counted = time.monotonic() - self._counted < COUNT_SECONDS
        if counted and newest == self._newest:
            return
        self._counted = time.monotonic()
        standing = repository.standing(session, self._encoder)
        if standing == (self._number, self._newest):
            return
        fresh, ids = self._read(session, standing.number)
        if standing.number < self._number + len(ids):
            self._forget()
            fresh, ids = self._read(session, standing.number)
        self._number, self._newest = standing
        self._index = self._index.extend(fresh, ids)

    def _read(self, session: Session, standing: int) -> tuple[Vectors, NDArray[np.int64]]:
        """What was stored after the newest vector that is known."""
        with repository.all_vectors(session, self._owner_id, self._encoder, self._newest) as fresh:
            return to_matrix(fresh, standing - self._number)

    def _forget(self) -> None:
        self._index = _nothing()
        self._number = self._newest = 0


def _nothing() -> SimilarityIndex:
    return SimilarityIndex(np.zeros((0, 1), np.float32), np.zeros(0, np.int64))


def _only(rows: NDArray[np.int64] | None) -> Any:
    """FAISS looks at these rows alone."""
    if rows is None:
        return None
    selected = faiss.IDSelectorBatch(rows)
    return faiss.SearchParameters(sel=selected)  # type: ignore[call-arg]  # FAISS adds it on import


def _unit(vectors: Vectors) -> Vectors:
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit: Vectors = np.ascontiguousarray(
        vectors / np.maximum(length, np.finfo(np.float32).tiny), dtype=np.float32
    )
    return unit
