"""Isolation trees as plain arrays, and the score read from them."""

from dataclasses import dataclass, fields
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from sklearn.ensemble import IsolationForest

from deepmed.learning.detectors.standardization import FloatArray
from deepmed.learning.errors import ModelLoadingError

# Rows scored at a time: bounds the memory of the (rows, trees) tables.
_CHUNK = 512


@dataclass(frozen=True)
class Forest:
    """All trees of a forest, one after the other, in flat arrays over their nodes.

    A leaf points to itself, so that walking on from it stays there; every other node points to
    nodes after it, so that every walk ends.

    Attributes:
        feature: Dimension that a node looks at, shape (nodes,).
        threshold: Values up to it go left, shape (nodes,).
        left: Next node on the left, shape (nodes,).
        right: Next node on the right, shape (nodes,).
        path_length: Steps to a leaf plus those expected beyond it, shape (nodes,).
        roots: First node of each tree, shape (trees,).
        expected_length: Path length of an average row in a tree, shape (1,).
    """

    feature: npt.NDArray[np.int32]
    threshold: FloatArray
    left: npt.NDArray[np.int32]
    right: npt.NDArray[np.int32]
    path_length: FloatArray
    roots: npt.NDArray[np.int32]
    expected_length: FloatArray

    @classmethod
    def of(cls, model: IsolationForest) -> Self:
        """Read the trees of scikit-learn's fitted forest (which saw all dimensions)."""
        trees = [estimator.tree_ for estimator in model.estimators_]
        roots = np.cumsum([0, *(tree.node_count for tree in trees)])[:-1]
        columns = [_tree_columns(tree, int(root)) for tree, root in zip(trees, roots, strict=True)]
        joined = {name: np.concatenate([tree[name] for tree in columns]) for name in columns[0]}
        expected = _expected_path_length(np.array([model.max_samples_]))
        return cls(roots=roots.astype(np.int32), expected_length=expected, **joined)

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """The arrays by name."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def check(self, features: int) -> None:
        """Refuse arrays on which a walk would leave the arrays or never end.

        Raises:
            ModelLoadingError: The trees are not trees over ``features`` dimensions.
        """
        nodes = np.arange(len(self.feature))
        leaves = (self.left == nodes) & (self.right == nodes)
        forward = (self.left > nodes) & (self.right > nodes)
        bounds = [
            (leaves | forward).all(),
            _within(self.left, len(nodes)),
            _within(self.right, len(nodes)),
            _within(self.roots, len(nodes)),
            _within(self.feature, features),
            len(self.roots) > 0,
        ]
        if not all(bounds):
            raise ModelLoadingError("The trees of this isolation forest are damaged.")

    def score(self, rows: FloatArray) -> FloatArray:
        """2 to the power of minus the mean path length over the expected one, in (0, 1].

        Args:
            rows: Shape (n, D).

        Returns:
            Shape (n,), higher = isolated sooner = more abnormal.
        """
        lengths = [
            self._path_lengths(rows[start : start + _CHUNK])
            for start in range(0, len(rows), _CHUNK)
        ]
        return self._abnormality(np.concatenate(lengths) if lengths else np.zeros(0))

    def score_range(self, rows: FloatArray, reach: FloatArray) -> tuple[FloatArray, FloatArray]:
        """The lowest and the highest score of rows whose values may move.

        Every tree is walked down both ways where a value could fall on either side of a node, and
        counts with its shortest and its longest path: bounds that hold, if not the tightest.

        Args:
            rows: Shape (n, D).
            reach: How far each value may move, shape (n, D), not negative.

        Returns:
            Lowest and highest scores, each of shape (n,).
        """
        shape = (len(rows), len(self.roots))
        shortest, longest = np.full(shape, np.inf), np.full(shape, -np.inf)
        # As in scoring, values are compared as float32; rounding keeps their order.
        low, high = ((rows + sign * reach).astype(np.float32) for sign in (-1, 1))
        place = np.arange(shape[0] * shape[1])
        nodes = np.tile(self.roots, len(rows))
        while len(nodes):
            leaf = self.left[nodes] == nodes
            ends = self.path_length[nodes[leaf]]
            np.minimum.at(shortest.reshape(-1), place[leaf], ends)
            np.maximum.at(longest.reshape(-1), place[leaf], ends)
            place, nodes = place[~leaf], nodes[~leaf]
            asked = place // shape[1], self.feature[nodes]
            left = low[asked] <= self.threshold[nodes]
            right = high[asked] > self.threshold[nodes]
            place = np.concatenate([place[left], place[right]])
            nodes = np.concatenate([self.left[nodes[left]], self.right[nodes[right]]])
        return self._abnormality(_added(longest)), self._abnormality(_added(shortest))

    def _abnormality(self, total: FloatArray) -> FloatArray:
        """The score for the sum of the path lengths over all trees."""
        return np.power(2.0, -total / (float(self.expected_length[0]) * len(self.roots)))

    def _path_lengths(self, rows: FloatArray) -> FloatArray:
        """Sum of the path lengths over the trees, shape (n,)."""
        # scikit-learn chose the thresholds on float32 values: compare what it compared.
        values = rows.astype(np.float32)
        index = np.arange(len(rows))[:, None]
        nodes = np.broadcast_to(self.roots, (len(rows), len(self.roots)))
        while True:
            goes_left = values[index, self.feature[nodes]] <= self.threshold[nodes]
            following = np.where(goes_left, self.left[nodes], self.right[nodes])
            if np.array_equal(following, nodes):
                break
            nodes = following
        return _added(self.path_length[nodes])


def _added(lengths: FloatArray) -> FloatArray:
    """Sums over the trees in the trees' order, the same however many rows there are."""
    summed: FloatArray = np.add.accumulate(lengths, axis=1)
    return summed[:, -1]


def _tree_columns(tree: Any, root: int) -> dict[str, npt.NDArray[Any]]:
    own = np.arange(tree.node_count)
    leaf = tree.children_left < 0
    left = np.where(leaf, own, tree.children_left)
    right = np.where(leaf, own, tree.children_right)
    return {
        "feature": np.where(leaf, 0, tree.feature).astype(np.int32),
        "threshold": np.where(leaf, 0.0, tree.threshold).astype(np.float64),
        "left": (left + root).astype(np.int32),
        "right": (right + root).astype(np.int32),
        "path_length": _node_depths(left, right) + _expected_path_length(tree.n_node_samples) - 1.0,
    }


def _node_depths(left: npt.NDArray[Any], right: npt.NDArray[Any]) -> FloatArray:
    """Depth of each node, the root having depth 1; children stand after their parents."""
    depths = np.ones(len(left))
    for node in range(len(left)):
        if left[node] != node:
            depths[[left[node], right[node]]] = depths[node] + 1.0
    return depths


def _expected_path_length(counts: npt.NDArray[Any]) -> FloatArray:
    """Mean path length of an unsuccessful search in a random binary tree of that many rows.

    Source: Liu, Ting, Zhou, "Isolation forest" (2008), equation 1; 0 for one row and 1 for two.
    """
    lengths = np.where(counts == 2, 1.0, 0.0)
    many = counts > 2
    rows = counts[many].astype(np.float64)
    lengths[many] = 2.0 * (np.log(rows - 1.0) + np.euler_gamma) - 2.0 * (rows - 1.0) / rows
    return lengths


def _within(indices: npt.NDArray[Any], size: int) -> bool:
    return bool(((indices >= 0) & (indices < size)).all())
