"""What the nearest other child's drawing tells: the simplest reading of an encoder's vectors."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deepmed.features.drawings.bench.entrants import Floats
from deepmed.learning.evaluation import Interval, share_interval

MOST_FREQUENT = "most frequent answer"
SPLIT = "each real drawing against those of all other children"


def nearest_rows(
    views: Mapping[str, Floats],
    children: NDArray[np.int64],
    truths: Mapping[str, Sequence[object]],
    seed: int,
) -> Iterator[dict[str, Any]]:
    """How often the nearest drawing of another child has the same subject, and the same age.

    Args:
        views: (n, d) by name: vectors of encoders, plain features.
        children: (n,) child of each drawing.
        truths: what is to be told, (n,) by name.
        seed: seed of the bootstrap, where children have several drawings.
    """
    for name, view in views.items():
        nearest = nearest_other(view, children)
        for truth, values in truths.items():
            right = [values[i] == values[j] for i, j in enumerate(nearest.tolist())]
            yield _row(name, truth, values, share_interval(right, children, seed, split=SPLIT))
    for truth, values in truths.items():
        usual = Counter(values).most_common(1)[0][0]
        right = [value == usual for value in values]
        figure = share_interval(right, children, seed, split=SPLIT)
        yield _row(MOST_FREQUENT, truth, values, figure)


def nearest_other(view: Floats, children: NDArray[np.int64]) -> NDArray[np.int64]:
    """(n,) the nearest drawing of another child, each dimension in units of its deviation."""
    deviation = view.std(axis=0)
    scaled = (view - view.mean(axis=0)) / np.where(deviation > 0, deviation, 1.0)
    squares = np.square(scaled).sum(axis=1)
    distances = squares[:, None] + squares[None, :] - 2 * scaled @ scaled.T
    distances[children[:, None] == children[None, :]] = np.inf
    nearest: NDArray[np.int64] = distances.argmin(axis=1)
    return nearest


def _row(name: str, truth: str, values: Sequence[object], figure: Interval) -> dict[str, Any]:
    return {"name": name, "tells": truth, "chance": 1 / len(set(values)), **figure.to_dict()}
