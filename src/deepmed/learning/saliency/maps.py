"""A map, what it says, and the name under which it is kept."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from deepmed.kit.digests import json_digest
from deepmed.learning.encoders import Image
from deepmed.learning.saliency.score import FloatArray

VERSION = 1
"""Raised when the arithmetic of a map changes, so that an old file is not taken for a new map."""

Frame = tuple[float, float, float, float]


@dataclass(frozen=True, eq=False)
class SaliencyMap:
    """How much each patch of a drawing contributes to its score.

    Attributes:
        values: (rows, columns) float64, signed: positive where a patch raises the score, negative
            where it lowers it; in the unit that the method has, so comparable within a map only.
        method: which method made it.
        score: the drawing's own score.
        encoder: identity key of the encoder.
        fill: what a patch is compared with: `paper`, `blur` or `typical`; `none` where a method
            compares with nothing.
        frame: x0, y0, x1, y1 of the square that the map covers, in pixels of the original; it may
            reach beyond the image.
        explains_score: False for controls and for attention, which is the same whatever the score.

    Example:
        >>> SaliencyMap(np.array([[3.0, -1.0], [1.0, 0.0]]), "occlusion", 2.5, "edges@fp32/1",
        ...             "paper", (0, 0, 10, 10)).shares.tolist()
        [[0.75, 0.0], [0.25, 0.0]]
    """

    values: FloatArray
    method: str
    score: float
    encoder: str
    fill: str
    frame: Frame
    explains_score: bool = True

    @property
    def positive(self) -> FloatArray:
        """(rows, columns), what raises the score, 0 elsewhere."""
        return np.maximum(self.values, 0.0)

    @property
    def shares(self) -> FloatArray:
        """(rows, columns), each patch's share of what raises the score; sums to 1, or is all 0."""
        positive = self.positive
        total = float(positive.sum())
        return positive / total if total > 0 else positive

    @property
    def scaled(self) -> FloatArray:
        """(rows, columns), what raises the score in shares of the largest patch, 0 to 1."""
        positive = self.positive
        largest = float(positive.max(initial=0.0))
        return positive / largest if largest > 0 else positive

    def to_dict(self) -> dict[str, Any]:
        """The map in JSON's own types, as it is stored.

        Example:
            >>> made = SaliencyMap(np.eye(2), "occlusion", 2.5, "edges", "paper", (0, 0, 10, 10))
            >>> made.to_dict()["values"]
            [[1.0, 0.0], [0.0, 1.0]]
        """
        return {**asdict(self), "values": self.values.tolist(), "frame": list(self.frame)}

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Self:
        """The map that `to_dict` made this of.

        Args:
            stored: the attributes by their names; `values` as rows of numbers.

        Raises:
            KeyError: `values` or `frame` is missing.
            TypeError: another attribute is missing, or one is none of a map's.

        Example:
            >>> made = SaliencyMap(np.eye(2), "occlusion", 2.5, "edges", "paper", (0, 0, 10, 10))
            >>> SaliencyMap.from_dict(made.to_dict()).frame
            (0, 0, 10, 10)
        """
        values, frame = np.array(stored["values"], dtype=np.float64), tuple(stored["frame"])
        return cls(**{**stored, "values": values, "frame": frame})


def picture_hash(image: Image) -> str:
    """SHA-256 in hex of a picture's size and pixels.

    Args:
        image: (H, W, 3) uint8.

    Example:
        >>> wide, high = np.zeros((2, 3, 3), np.uint8), np.zeros((3, 2, 3), np.uint8)
        >>> picture_hash(wide) == picture_hash(high)
        False
    """
    header = "x".join(map(str, image.shape)).encode()
    return hashlib.sha256(header + b":" + np.ascontiguousarray(image).tobytes()).hexdigest()


def map_key(drawing_hash: str, model_key: str, method: str, append: Sequence[float] = ()) -> str:
    """The name under which a map is kept: a function of everything that the map depends on.

    Two different drawings never share it, and neither do one picture at two ages where the model
    sees the age.

    Args:
        drawing_hash: hash of the picture's content, for example `picture_hash`.
        model_key: names encoder and fitted detector.
        method: the method that made the map.
        append: the further columns that the drawing was scored with.

    Returns:
        64 hex digits.

    Raises:
        ValueError: a part is empty, so that drawings could not be told apart.

    Example:
        >>> map_key("ab", "c", "occlusion") == map_key("a", "bc", "occlusion")
        False
    """
    if not (drawing_hash and model_key and method):
        raise ValueError("A map is named by its drawing, its model and its method; one is empty.")
    parts = [VERSION, drawing_hash, model_key, method, [float(column) for column in append]]
    return json_digest(parts)


def patch_order(values: NDArray[np.float64], seed: int) -> NDArray[np.int64]:
    """Patches from the largest value to the smallest, equal ones at random.

    Equal values are common (a blank patch contributes nothing), and any fixed order among them
    would favour one corner of the page.

    Args:
        values: (rows, columns).
        seed: of the order among equals.

    Returns:
        (rows * columns,) indices into the flattened map.

    Example:
        >>> patch_order(np.array([[0.5, 2.0], [-1.0, 1.0]]), seed=0).tolist()
        [1, 3, 0, 2]
    """
    flat = values.ravel()
    ties = np.random.default_rng(seed).random(flat.size)
    return np.lexsort((ties, -flat)).astype(np.int64)
