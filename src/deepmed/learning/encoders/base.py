"""What every encoder is: a name for its vectors, a way to prepare images, a way to encode them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from numpy.typing import NDArray

from deepmed.learning.encoders.identity import EncoderIdentity
from deepmed.learning.errors import EmbeddingGenerationError

SIZE = 224
Image = NDArray[np.uint8]
Embeddings = NDArray[np.float32]
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Prepared:
    """Images ready to be encoded, and where their pixels lie on the original pages.

    Attributes:
        pixels: (B, 1 or 3, 224, 224) float32 in [0, 1], 1 is paper.
        frames: (B, 4) float32, the square x0, y0, x1, y1 in pixels of the original that `pixels`
            shows; it may reach beyond the image, where there is white.
        extras: (B, k) float32, whatever else the encoder must know; k depends on the encoder.
    """

    pixels: torch.Tensor
    frames: torch.Tensor
    extras: torch.Tensor

    def __len__(self) -> int:
        return len(self.pixels)

    def rows(self, start: int, stop: int) -> "Prepared":
        """Some of the pages, from `start` up to, not including, `stop`."""
        some = slice(start, stop)
        return Prepared(self.pixels[some], self.frames[some], self.extras[some])

    @classmethod
    def join(cls, parts: Sequence["Prepared"]) -> "Prepared":
        """Pages that were prepared apart, by one encoder, together.

        Raises:
            ValueError: there are none.
        """
        if not parts:
            raise ValueError("There are no pages to join.")
        return cls(
            torch.cat([part.pixels for part in parts]),
            torch.cat([part.frames for part in parts]),
            torch.cat([part.extras for part in parts]),
        )

    def with_pixels(self, pixels: torch.Tensor) -> "Prepared":
        """The same pages with other pixels in the same frames.

        Args:
            pixels: (B, C, 224, 224), or (m·B, C, 224, 224), where picture j is of page j modulo B;
                frames and extras are repeated to fit.

        Raises:
            ValueError: the number of pictures is no multiple of the number of pages.
        """
        times, rest = divmod(len(pixels), max(1, len(self.pixels)))
        if rest:
            raise ValueError(f"{len(pixels)} pictures do not fit {len(self.pixels)} pages.")
        return Prepared(pixels, self.frames.repeat(times, 1), self.extras.repeat(times, 1))


@runtime_checkable
class Encoder(Protocol):
    """Turns images into vectors.

    `encode` is differentiable with respect to `prepared.pixels`, so that a map can say which
    pixels a score depends on; `embed` is the same arithmetic in batches, without gradients.
    """

    @property
    def identity(self) -> EncoderIdentity:
        """What must be equal for two vectors to be comparable."""
        ...

    @property
    def patch_grid(self) -> tuple[int, int]:
        """Rows and columns of patches in which the encoder sees its 224 by 224 pixels."""
        ...

    def prepare(self, images: Sequence[Image]) -> Prepared:
        """Cut, scale and stack (H, W, 3) uint8 RGB images, upright, on white."""
        ...

    def encode(self, prepared: Prepared) -> torch.Tensor:
        """(B, D) float32 vectors, differentiable with respect to `prepared.pixels`."""
        ...

    def embed(
        self, images: Sequence[Image], batch_size: int = 32, progress: Progress | None = None
    ) -> Embeddings:
        """(N, D) float32 vectors of many images."""
        ...


def check_image(image: Image, index: int) -> None:
    """Refuse what is not an RGB image in bytes.

    Args:
        image: what should be a (H, W, 3) uint8 array.
        index: its place in the batch, for the message.

    Raises:
        EmbeddingGenerationError: another shape or type, or no pixels at all.

    Example:
        >>> check_image(np.zeros((4, 5, 3), np.uint8), index=0)
    """
    right = isinstance(image, np.ndarray) and image.dtype == np.uint8 and image.ndim == 3
    if not right or image.shape[2] != 3 or 0 in image.shape:
        found = f"{getattr(image, 'dtype', type(image).__name__)} {getattr(image, 'shape', '')}"
        raise EmbeddingGenerationError(
            f"Image {index} is {found.strip()}; an encoder takes (height, width, 3) uint8 RGB. "
            "Nothing of this batch was embedded."
        )
