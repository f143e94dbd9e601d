"""Whose drawings belong together: from child ids to positions."""

from collections.abc import Hashable, Sequence
from operator import ne

import numpy as np
from numpy.typing import NDArray

from deepmed.learning.calibration.errors import ScoreNormalizationError

Children = Sequence[Hashable] | NDArray[np.generic]
CodeArray = NDArray[np.intp]


def child_list(children: Children) -> list[Hashable]:
    """Child ids as plain Python values.

    >>> child_list(np.array([3, 3, 5]))
    [3, 3, 5]
    """
    return children.tolist() if isinstance(children, np.ndarray) else list(children)


def encode_children(ids: Sequence[Hashable]) -> tuple[CodeArray, dict[Hashable, int]]:
    """Number the distinct ids in the order of first appearance.

    Args:
        ids: (m,) hashable ids, one a drawing.

    Returns:
        (m,) number of each drawing's child, and each child's number.

    Raises:
        ScoreNormalizationError: An id is missing (None or NaN): it would hide whose drawing it is.

    >>> codes, numbers = encode_children(["b", "a", "b"])
    >>> codes.tolist(), numbers
    ([0, 1, 0], {'b': 0, 'a': 1})
    """
    numbers = {child: number for number, child in enumerate(dict.fromkeys(ids))}
    if None in numbers or any(map(ne, numbers, numbers)):  # NaN alone is not equal to itself
        raise ScoreNormalizationError(
            "Every drawing needs a child id; give drawings without one an id of their own."
        )
    codes = np.fromiter(map(numbers.__getitem__, ids), dtype=np.intp, count=len(ids))
    return codes, numbers
