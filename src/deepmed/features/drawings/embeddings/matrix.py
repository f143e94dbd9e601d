"""Stored vectors as one matrix: each is checked, and none becomes an array of its own."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from deepmed.features.drawings.embeddings.repository import StoredVector
from deepmed.features.drawings.embeddings.serializer import check, damaged

Matrix = NDArray[np.float32]
Ids = NDArray[np.int64]
Bytes = NDArray[np.uint8]


def to_matrix(rows: Iterable[StoredVector], expected: int) -> tuple[Matrix, Ids]:
    """(n, d) float32 and the (n,) ids of the drawings, in their order.

    Args:
        rows: the stored vectors, in any order.
        expected: about how many there are; memory for so many is set aside at once.

    Raises:
        IntegrityError: the bytes of a vector are not the ones that were stored.
    """
    ids: list[int] = []
    buffer = np.empty(0, np.uint8)
    room, end, width = buffer.data, 0, 0
    for drawing, dimension, digest, data in rows:
        check(data, dimension, digest)
        width = width or len(data)
        if len(data) != width:
            raise damaged()
        start, end = end, end + width
        if end > len(room):
            buffer = _larger(buffer, max(expected, 2 * len(ids), 1) * width)
            room = buffer.data
        room[start:end] = data
        ids.append(drawing)
    matrix = buffer[:end].view("<f4").reshape(len(ids), width // 4)
    return _in_order(matrix.astype(np.float32, copy=False), np.array(ids, dtype=np.int64))


def _larger(buffer: Bytes, size: int) -> Bytes:
    larger = np.empty(size, np.uint8)
    larger[: len(buffer)] = buffer
    return larger


def _in_order(matrix: Matrix, ids: Ids) -> tuple[Matrix, Ids]:
    if (np.diff(ids) > 0).all():
        return matrix, ids
    order = np.argsort(ids, kind="stable")
    return matrix[order], ids[order]
