"""The detectors' scores as torch modules of plain tensor arithmetic, for tracing.

A detector's own `score_tensor` builds what it needs on the way; here everything learned is a
buffer, so that it travels with the program.
"""

from collections.abc import Callable
from typing import Any, cast

import torch
from torch import Tensor, nn

from deepmed.learning.detectors.autoencoder import AutoencoderDetector
from deepmed.learning.detectors.base import Detector, StandardizedDetector
from deepmed.learning.detectors.forest import Forest
from deepmed.learning.detectors.isolation_forest import IsolationForestDetector
from deepmed.learning.detectors.knn import KnnDetector
from deepmed.learning.detectors.mahalanobis import MahalanobisDetector
from deepmed.learning.detectors.pca import PcaDetector
from deepmed.learning.export.errors import ModelNotExportableError
from deepmed.learning.reference import Layout
from deepmed.learning.reference.rows import SUBJECT_SLOTS


class ScoreModule(nn.Module):
    """From the encoder's vector, and the age or subject where the layout has it, to the score.

    Args:
        detector: Fitted.
        layout: Which columns stand beside the vector.

    Raises:
        ModelNotExportableError: The detector is of an installed package, not one of ours.

    Example:
        >>> detector = KnnDetector(neighbors=1).fit([[0.0, 1.0], [1.0, 0.0], [2.0, 2.0]])
        >>> module = ScoreModule(detector, Layout.VISUAL)
        >>> bool(module(torch.tensor([[0.0, 1.0]]))[0] < 1e-9)
        True
    """

    def __init__(self, detector: Detector, layout: Layout) -> None:
        super().__init__()
        self.layout = layout
        self.score = module_of(detector)

    def forward(self, embedding: Tensor, beside: Tensor | None = None) -> Tensor:
        """Score rows.

        Args:
            embedding: The encoder's vectors, shape (B, D), float32.
            beside: Ages in years (B,), float64, or subject slots (B,), int64, as the layout asks.

        Returns:
            Scores, shape (B,), float64, higher = more unusual.
        """
        wide = embedding.to(torch.float64)
        if self.layout is Layout.AGE and beside is not None:
            wide = torch.cat([wide, beside[:, None]], dim=1)
        elif self.layout is Layout.SUBJECT and beside is not None:
            slots = torch.eye(SUBJECT_SLOTS, dtype=torch.float64)
            wide = torch.cat([wide, slots[beside]], dim=1)
        scores: Tensor = self.score(wide)
        return scores


def module_of(detector: Detector) -> nn.Module:
    """The score of float64 columns, shape (B, D), as a module.

    Raises:
        ModelNotExportableError: The detector is of an installed package, not one of ours.

    Example:
        >>> detector = PcaDetector().fit([[0.0, 1.0], [1.0, 0.0], [2.0, 2.0]])
        >>> module_of(detector)(torch.zeros(2, 2, dtype=torch.float64)).shape
        torch.Size([2])
    """
    if type(detector) is IsolationForestDetector:
        return _ForestScore(detector.forest_)
    make = _KINDS.get(type(detector))
    if make is None:
        raise ModelNotExportableError(
            f"The detector {detector.name!r} is of an installed package, which alone can run it. "
            "Export the safetensors package instead."
        )
    own = cast("StandardizedDetector", detector)
    return nn.Sequential(_Standardized(own), make(own))


class _Standardized(nn.Module):
    mean: Tensor
    scale: Tensor
    limit: Tensor

    def __init__(self, detector: StandardizedDetector) -> None:
        super().__init__()
        _keep(self, **vars(detector.standardization_))

    def forward(self, rows: Tensor) -> Tensor:
        deviations = (rows - self.mean) / self.scale
        return deviations / torch.sqrt(1.0 + (deviations / self.limit) ** 2)


class _KnnScore(nn.Module):
    references: Tensor

    def __init__(self, detector: KnnDetector) -> None:
        super().__init__()
        _keep(self, references=detector.references_)
        self.count = min(detector.neighbors, detector.n_rows_)

    def forward(self, rows: Tensor) -> Tensor:
        # The product form finds the neighbours; the distances to them are taken of differences.
        references = self.references
        squares = (references**2).sum(dim=1) - 2.0 * rows @ references.T
        nearest = torch.topk(squares, self.count, dim=1, largest=False).indices
        away = rows[:, None] - references[nearest]
        return torch.sqrt((away**2).sum(dim=2)).mean(dim=1)


class _MahalanobisScore(nn.Module):
    center: Tensor
    directions: Tensor
    variances: Tensor
    remaining: Tensor

    def __init__(self, detector: MahalanobisDetector) -> None:
        super().__init__()
        _keep(
            self,
            center=detector.center_,
            directions=detector.directions_,
            variances=detector.variances_,
            remaining=detector.remaining_variance_,
        )

    def forward(self, rows: Tensor) -> Tensor:
        deviations = rows - self.center
        along = deviations @ self.directions.T
        rest = deviations - along @ self.directions
        return (along**2 / self.variances).sum(dim=1) + (rest**2).sum(dim=1) / self.remaining


class _PcaScore(nn.Module):
    center: Tensor
    directions: Tensor

    def __init__(self, detector: PcaDetector) -> None:
        super().__init__()
        _keep(self, center=detector.center_, directions=detector.directions_)

    def forward(self, rows: Tensor) -> Tensor:
        deviations = rows - self.center
        rest = deviations - (deviations @ self.directions.T) @ self.directions
        return (rest**2).mean(dim=1)


class _AutoencoderScore(nn.Module):
    def __init__(self, detector: AutoencoderDetector) -> None:
        super().__init__()
        self.network = detector.network().to(torch.float64).requires_grad_(requires_grad=False)

    def forward(self, rows: Tensor) -> Tensor:
        rebuilt: Tensor = self.network(rows)
        return ((rebuilt - rows) ** 2).mean(dim=1)


class _ForestScore(nn.Module):
    feature: Tensor
    left: Tensor
    right: Tensor
    roots: Tensor
    threshold: Tensor
    path_length: Tensor

    def __init__(self, forest: Forest) -> None:
        super().__init__()
        indices = ("feature", "left", "right", "roots")
        _keep(self, **{name: getattr(forest, name).astype("int64") for name in indices})
        _keep(self, threshold=forest.threshold, path_length=forest.path_length)
        self.expected = float(forest.expected_length[0]) * len(forest.roots)
        self.depth = depth_of(forest)

    def forward(self, rows: Tensor) -> Tensor:
        # As the forest itself: thresholds were chosen on float32 values.
        values = rows.to(torch.float32).to(torch.float64)
        nodes = self.roots.expand(rows.shape[0], -1)
        for _ in range(self.depth):
            asked = torch.gather(values, 1, self.feature[nodes])
            goes_left = asked <= self.threshold[nodes]
            nodes = torch.where(goes_left, self.left[nodes], self.right[nodes])
        return torch.exp2(-self.path_length[nodes].sum(dim=1) / self.expected)


def depth_of(forest: Forest) -> int:
    """Steps from a root to the farthest leaf; children stand after their parents.

    Example:
        >>> from deepmed.learning.detectors import make_detector
        >>> forest = make_detector("isolation_forest", trees=2).fit([[0.0], [1.0], [2.0]]).forest_
        >>> depth_of(forest) in {1, 2}
        True
    """
    depths = [0] * len(forest.left)
    for node, pair in enumerate(zip(forest.left.tolist(), forest.right.tolist(), strict=True)):
        for child in pair:
            if child != node:
                depths[child] = depths[node] + 1
    return max(depths)


def _keep(module: nn.Module, **arrays: Any) -> None:
    for name, array in arrays.items():
        module.register_buffer(name, torch.from_numpy(array.copy()))


_KINDS: dict[type[Detector], Callable[[Any], nn.Module]] = {
    KnnDetector: _KnnScore,
    MahalanobisDetector: _MahalanobisScore,
    PcaDetector: _PcaScore,
    AutoencoderDetector: _AutoencoderScore,
}
