"""What encoders of the ink box share: a square around the ink, encoded a few crops at a time."""

from abc import ABC, abstractmethod
from collections.abc import Sequence

import torch

from deepmed.learning.device import DeviceManager
from deepmed.learning.encoders.base import Embeddings, Image, Prepared, Progress
from deepmed.learning.encoders.batches import embed_in_batches
from deepmed.learning.encoders.hog_pyramid import layout
from deepmed.learning.encoders.hog_pyramid.preparing import prepare_ink_boxes
from deepmed.learning.encoders.identity import EncoderIdentity


class InkBoxEncoder(ABC):
    """An encoder of ink; a kind of it says who it is and how it encodes what lies in the box.

    Args:
        device: `auto`, `cpu`, `cuda` or `mps`.

    Raises:
        DeviceDetectionError: the named device is not there.
    """

    chunk: int
    """Images encoded at a time."""

    def __init__(self, device: str = "auto") -> None:
        self._device = DeviceManager(device).device

    @property
    @abstractmethod
    def identity(self) -> EncoderIdentity:
        """What must be equal for two vectors to be comparable."""

    @property
    def patch_grid(self) -> tuple[int, int]:
        """14 rows and 14 columns of 16 by 16 pixels."""
        return layout.GRID, layout.GRID

    def prepare(self, images: Sequence[Image]) -> Prepared:
        """Cut a square around the ink of each page.

        Args:
            images: (H, W, 3) uint8 RGB, upright, on white.

        Returns:
            pixels (B, 1, 224, 224), frames (B, 4), extras (B, 6) with the ink box and the size of
            the page in pixels. A blank page is shown whole.

        Raises:
            EmbeddingGenerationError: an image is not of that kind.
        """
        return prepare_ink_boxes(images, self._device)

    def encode(self, prepared: Prepared) -> torch.Tensor:
        """The vectors of prepared pages.

        Args:
            prepared: what `prepare` made, or the same with other pixels.

        Returns:
            (B, 768) float32, differentiable with respect to `prepared.pixels`.
        """
        pixels = prepared.pixels.to(self._device)
        frames, extras = prepared.frames.to(self._device), prepared.extras.to(self._device)
        chunks = [slice(start, start + self.chunk) for start in range(0, len(pixels), self.chunk)]
        vectors = [self._vectors(pixels[at], frames[at], extras[at]) for at in chunks]
        return torch.cat(vectors) if vectors else pixels.new_zeros(0, self.identity.dimension)

    def embed(
        self, images: Sequence[Image], batch_size: int = 32, progress: Progress | None = None
    ) -> Embeddings:
        """The vectors of many images.

        Args:
            images: (H, W, 3) uint8 RGB, upright, on white.
            batch_size: images a batch; the vectors do not depend on it.
            progress: called with (images done, images in all) after each batch.

        Returns:
            (N, 768) float32.

        Raises:
            EmbeddingGenerationError: an image is not of that kind.
        """
        return embed_in_batches(self, images, batch_size, progress)

    @abstractmethod
    def _vectors(
        self, pixels: torch.Tensor, frames: torch.Tensor, extras: torch.Tensor
    ) -> torch.Tensor:
        """(B, 768) of at most `chunk` crops (B, 1, 224, 224), 1 where there is paper."""
