"""The score of a drawing as a function of its pixels: what every map here explains."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from numpy.typing import NDArray

from deepmed.learning.detectors import Detector
from deepmed.learning.encoders import Encoder, Prepared
from deepmed.learning.errors import NotDifferentiableError, SaliencyGenerationError

FloatArray = NDArray[np.float64]

# A picture with gradients keeps all that was computed on the way, so fewer fit in memory.
_GRADIENT_BATCH = 8


class ScoredPixels(Protocol):
    """The score of one picture as a function of its pixels: all that most maps need.

    A drawing's page has one, and so has an image that a network classifies.
    """

    @property
    def pixels(self) -> torch.Tensor:
        """(1, C, H, W), the picture's own."""
        ...

    @property
    def grid(self) -> tuple[int, int]:
        """Rows and columns of patches; they divide height and width."""
        ...

    def scores(self, pixels: torch.Tensor) -> FloatArray:
        """(B,) float64 scores of (B, C, H, W)."""
        ...

    def mixed_scores(self, fill: torch.Tensor, filled: NDArray[np.bool_]) -> FloatArray:
        """(B,) scores with `fill` (1, C, H, W) in the patches that `filled` (B, P) names."""
        ...


@runtime_checkable
class EncodesMixed(Protocol):
    """An encoder that knows a shorter way to what `encode` gives for pages that are mixed."""

    def encode_mixed(
        self, prepared: Prepared, fill: torch.Tensor, filled: NDArray[np.bool_]
    ) -> torch.Tensor:
        """(B, D) vectors of one page with `fill` in the patches that `filled` (B, P) names."""
        ...


@dataclass(frozen=True)
class ScoreFunction:
    """Encoder, further columns and detector in a row.

    Attributes:
        encoder: from prepared pages to (B, D) vectors.
        detector: fitted, from (B, D + k) columns to (B,) scores, higher is more unusual.
        append: the k columns beside the vector, for example the age in years; the same for every
            picture that is scored, because they belong to the drawing.
        batch_size: pictures encoded at a time.

    Example:
        >>> from deepmed.learning.saliency.example import example_page, example_sheet
        >>> page = example_page()
        >>> vector = page.function.encoder.embed([example_sheet(5, bar=True)])
        >>> page.scores(page.pixels) == page.function.detector.score_samples(vector)
        array([ True])
    """

    encoder: Encoder
    detector: Detector
    append: Sequence[float] = ()
    batch_size: int = 32

    @property
    def differentiable(self) -> bool:
        """Whether the score has a gradient."""
        return self.detector.differentiable

    @property
    def grid(self) -> tuple[int, int]:
        """Rows and columns of a map."""
        return self.encoder.patch_grid

    def columns(self, vectors: torch.Tensor) -> torch.Tensor:
        """(B, D) vectors of the encoder as the detector's (B, D + k) float64 columns."""
        # On the CPU, where float64 exists: graphics processors do not all have it.
        wide = vectors.cpu().to(torch.float64)
        further = torch.tensor(self.append, dtype=torch.float64).expand(len(wide), -1)
        return torch.cat([wide, further], dim=1)

    def score_vectors(self, vectors: torch.Tensor) -> torch.Tensor:
        """(B,) float64 scores of (B, D) vectors, with gradients.

        Raises:
            NotDifferentiableError: the detector has none.
        """
        return self.detector.score_tensor(self.columns(vectors))

    def at(self, prepared: Prepared) -> "PageScore":
        """The score of one page as a function of the pixels in its frame.

        Raises:
            SaliencyGenerationError: there is not exactly one page.
        """
        if len(prepared) != 1:
            raise SaliencyGenerationError(
                f"A map explains the score of one drawing, and {len(prepared)} were given. "
                "Nothing was computed."
            )
        return PageScore(self, prepared)


@dataclass(frozen=True)
class PageScore:
    """The score as a function of the pixels of one page; its crop and its columns stay fixed.

    Attributes:
        function: what scores.
        page: one prepared page.

    Example:
        >>> from deepmed.learning.saliency.example import example_page
        >>> page = example_page()
        >>> page.gradient(page.pixels).shape
        torch.Size([1, 1, 224, 224])
    """

    function: ScoreFunction
    page: Prepared

    @property
    def pixels(self) -> torch.Tensor:
        """(1, C, 224, 224), the page's own."""
        return self.page.pixels

    @property
    def grid(self) -> tuple[int, int]:
        """Rows and columns of a map."""
        return self.function.grid

    def scores(self, pixels: torch.Tensor) -> FloatArray:
        """The scores that the detector gives, to the last digit those of an analysis.

        Args:
            pixels: (B, C, 224, 224), 1 is paper.

        Returns:
            (B,) float64.
        """
        with torch.no_grad():
            vectors = [
                self.function.encoder.encode(self.page.with_pixels(part))
                for part in torch.split(pixels, self.function.batch_size)
            ]
        return self._scored(torch.cat(vectors))

    def _scored(self, vectors: torch.Tensor) -> FloatArray:
        columns = self.function.columns(vectors).numpy()
        scores: FloatArray = self.function.detector.score_samples(columns)
        return scores

    def mixed_scores(self, fill: torch.Tensor, filled: NDArray[np.bool_]) -> FloatArray:
        """The scores of the page with some patches replaced.

        Args:
            fill: (1, C, 224, 224), what stands in the replaced patches.
            filled: (B, P), which of the P patches are replaced in each of B pictures.

        Returns:
            (B,) float64.
        """
        size, encoder = self.function.batch_size, self.function.encoder
        if isinstance(encoder, EncodesMixed):
            with torch.no_grad():
                return self._scored(encoder.encode_mixed(self.page, fill, filled))
        parts = [filled[start : start + size] for start in range(0, len(filled), size)]
        return np.concatenate([self.scores(self.mixed(fill, part)) for part in parts])

    def mixed(self, fill: torch.Tensor, filled: NDArray[np.bool_]) -> torch.Tensor:
        """The pictures of `mixed_scores`, (B, C, 224, 224)."""
        mask = patch_masks(filled, self.grid, self.pixels.shape[-1])
        return torch.where(mask.to(self.pixels.device), fill, self.pixels)

    def gradient(self, pixels: torch.Tensor) -> torch.Tensor:
        """How the score changes with each pixel.

        Args:
            pixels: (B, C, 224, 224).

        Returns:
            (B, C, 224, 224), score by share of paper.

        Raises:
            NotDifferentiableError: the detector's score has no gradient.
        """
        if not self.function.differentiable:
            raise NotDifferentiableError(
                f"The score of {self.function.detector.name!r} has no gradient. Use occlusion."
            )
        return torch.cat([self._gradient(part) for part in torch.split(pixels, _GRADIENT_BATCH)])

    def _gradient(self, pixels: torch.Tensor) -> torch.Tensor:
        leaf = pixels.detach().clone().requires_grad_()
        with torch.enable_grad():
            vectors = self.function.encoder.encode(self.page.with_pixels(leaf))
            scores = self.function.score_vectors(vectors)
            (gradient,) = torch.autograd.grad(scores.sum(), leaf)
        return gradient


def patch_masks(
    patches: NDArray[np.bool_], grid: tuple[int, int], width: int, height: int | None = None
) -> torch.Tensor:
    """Patches as masks over pixels.

    Args:
        patches: (B, rows * columns).
        grid: rows and columns.
        width: pixels across.
        height: pixels down; as many as across if None.

    Returns:
        (B, 1, height, width) bool.

    Example:
        >>> patch_masks(np.array([[True, False, False, False]]), (2, 2), 4)[0, 0].int().tolist()
        [[1, 1, 0, 0], [1, 1, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]]
    """
    rows, columns = grid
    cells = torch.from_numpy(patches).view(-1, 1, rows, columns)
    down, across = (height or width) // rows, width // columns
    return cells.repeat_interleave(down, dim=2).repeat_interleave(across, dim=3)


def patch_sums(pixels: torch.Tensor, grid: tuple[int, int]) -> FloatArray:
    """Sums over channels and the pixels of each patch.

    Args:
        pixels: (1, C, 224, 224).
        grid: rows and columns.

    Returns:
        (rows, columns) float64.

    Example:
        >>> patch_sums(torch.ones(1, 3, 224, 224), (14, 14))[0, 0]
        np.float64(768.0)
    """
    rows, columns = grid
    plane = pixels[0].detach().cpu().double().sum(dim=0)
    height, width = plane.shape
    cells = plane.view(rows, height // rows, columns, width // columns)
    sums: FloatArray = cells.sum(dim=(1, 3)).numpy()
    return sums
