"""Rows become one matrix, whatever their order and number."""

from hashlib import sha256

import numpy as np
import pytest

from deepmed.features.drawings.embeddings.matrix import to_matrix
from deepmed.features.drawings.embeddings.repository import StoredVector
from deepmed.kit.errors import IntegrityError


def row(drawing: int, *values: float) -> StoredVector:
    data = np.array(values, "<f4").tobytes()
    return drawing, len(values), sha256(data).hexdigest(), data


@pytest.mark.parametrize("expected", [0, 1, 2, 3, 500])
def test_there_is_room_for_all_however_many_were_expected(expected: int) -> None:
    rows = [row(place, place, -place) for place in range(200)]
    matrix, ids = to_matrix(rows, expected)
    assert matrix.dtype == np.float32
    assert matrix.tolist() == [[place, -place] for place in range(200)]
    assert ids.tolist() == list(range(200))


def test_they_are_sorted_by_drawing() -> None:
    matrix, ids = to_matrix([row(7, 1.0), row(3, 2.0), row(5, 3.0)], 3)
    assert ids.tolist() == [3, 5, 7]
    assert matrix.tolist() == [[2.0], [3.0], [1.0]]


def test_of_no_rows_there_is_an_empty_matrix() -> None:
    matrix, ids = to_matrix([], 10)
    assert matrix.shape == (0, 0)
    assert ids.shape == (0,)


def test_the_matrix_may_be_written_to() -> None:
    matrix, _ = to_matrix([row(1, 1.0, 2.0)], 1)
    matrix[0, 0] = 0


@pytest.mark.req("D-6.1")
@pytest.mark.parametrize("place", [0, 1, 99])
def test_each_is_checked(place: int) -> None:
    rows = [row(one, 1.0, 2.0) for one in range(100)]
    drawing, dimension, digest, data = rows[place]
    rows[place] = (drawing, dimension, digest, data[:-1] + b"\x00")
    with pytest.raises(IntegrityError, match="damaged and was not used"):
        to_matrix(rows, 100)


@pytest.mark.req("D-6.1")
def test_one_of_another_length_is_refused() -> None:
    """A shorter one must not be spread over a row, nor two of them make one."""
    with pytest.raises(IntegrityError):
        to_matrix([row(1, 1.0, 2.0), row(2, 1.0), row(3, 1.0)], 3)
