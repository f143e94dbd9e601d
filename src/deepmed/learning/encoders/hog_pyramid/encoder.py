"""The embedded default encoder: no weights, no network, the same vector everywhere (D-5)."""

from collections.abc import Sequence

import torch

from deepmed.learning.device import DeviceManager
from deepmed.learning.encoders.base import (
    Embeddings,
    EncoderIdentity,
    Image,
    Prepared,
    Progress,
)
from deepmed.learning.encoders.batches import embed_in_batches
from deepmed.learning.encoders.hog_pyramid import layout
from deepmed.learning.encoders.hog_pyramid.gradients import (
    oriented_cells,
    smooth_root,
    unit_length,
    windows,
)
from deepmed.learning.encoders.hog_pyramid.page import PageGeometry, page_facts, page_map
from deepmed.learning.encoders.hog_pyramid.preparing import prepare_ink_boxes

NAME = "hog-pyramid"
# Images encoded at a time: few enough for the intermediate planes to stay in the processor's cache.
_CHUNK = 4


class HogPyramidEncoder:
    """Pyramid of oriented gradients over the ink box of a drawing, with facts of the page.

    The 768 numbers and their order are described in `layout`. The vector of an image does not
    depend on the images that are encoded with it, to the last bit.

    Args:
        device: `auto`, `cpu`, `cuda` or `mps`.

    Raises:
        DeviceDetectionError: the named device is not there.

    Example:
        >>> import numpy as np
        >>> page = np.full((100, 100, 3), 255, np.uint8)
        >>> page[20:80, 50:52] = 0
        >>> encoder = HogPyramidEncoder(device="cpu")
        >>> encoder.embed([page]).shape, encoder.identity.name
        ((1, 768), 'hog-pyramid')
    """

    def __init__(self, device: str = "auto") -> None:
        self._device = DeviceManager(device).device
        self._identity = EncoderIdentity(
            name=NAME,
            version=layout.VERSION,
            weight_hash=layout.layout_hash(),
            preprocessing_version=layout.PREPROCESSING,
            precision="fp32",
            dimension=layout.DIMENSION,
        )

    @property
    def identity(self) -> EncoderIdentity:
        """What must be equal for two vectors to be comparable."""
        return self._identity

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
        starts = range(0, max(1, len(prepared)), _CHUNK)
        chunks = [slice(start, start + _CHUNK) for start in starts]
        return torch.cat([_encode(pixels[at], frames[at], extras[at]) for at in chunks])

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


def _encode(pixels: torch.Tensor, frames: torch.Tensor, extras: torch.Tensor) -> torch.Tensor:
    ink = 1 - pixels
    cells = oriented_cells(ink)
    geometry = PageGeometry.read(frames, extras)
    blocks = {
        "shape": unit_length(windows(cells, **layout.SHAPE_WINDOWS).flatten(1)),
        "grid_energy": smooth_root(cells.sum(dim=1)).flatten(1),
        "oriented_energy": smooth_root(windows(cells, **layout.ENERGY_WINDOWS)).flatten(1),
        "page_map": smooth_root(page_map(ink, geometry)),
        "page_facts": page_facts(ink, geometry).repeat(1, layout.FACT_COPIES),
    }
    return torch.cat([blocks[name] for name in layout.BLOCKS], dim=1)
