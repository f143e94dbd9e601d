"""The embedded default encoder: no weights, no network, the same vector everywhere (D-5)."""

from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray

from deepmed.learning.encoders.base import Prepared
from deepmed.learning.encoders.built_in import HOG_PYRAMID, hog_pyramid_identity
from deepmed.learning.encoders.hog_pyramid import layout
from deepmed.learning.encoders.hog_pyramid.gradients import (
    oriented_cells,
    smooth_root,
    unit_length,
    windows,
)
from deepmed.learning.encoders.hog_pyramid.mixing import mixed_cells, mixed_ink
from deepmed.learning.encoders.hog_pyramid.page import PageGeometry, page_facts, page_map
from deepmed.learning.encoders.identity import EncoderIdentity
from deepmed.learning.encoders.ink_box import InkBoxEncoder

NAME = HOG_PYRAMID


class HogPyramidEncoder(InkBoxEncoder):
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

    # Few enough for the intermediate planes to stay in the processor's cache.
    chunk = 4

    @cached_property
    def identity(self) -> EncoderIdentity:
        """What must be equal for two vectors to be comparable."""
        return hog_pyramid_identity()

    def _vectors(
        self, pixels: torch.Tensor, frames: torch.Tensor, extras: torch.Tensor
    ) -> torch.Tensor:
        return _encode(pixels, frames, extras)

    def encode_mixed(
        self, prepared: Prepared, fill: torch.Tensor, filled: NDArray[np.bool_]
    ) -> torch.Tensor:
        """What `encode` gives for a page with some patches replaced, in a fraction of the time.

        Args:
            prepared: one page.
            fill: (1, 1, 224, 224), what stands in the replaced patches; 1 is paper.
            filled: (B, 196), which patches are replaced in each of B pictures.

        Returns:
            (B, 768) float32.
        """
        page, other = (1 - pixels.to(self._device) for pixels in (prepared.pixels, fill))
        cells = mixed_cells(page, other, filled)
        frames, extras = prepared.frames.to(self._device), prepared.extras.to(self._device)
        vectors = []
        for start in range(0, len(filled), self.chunk):
            some = filled[start : start + self.chunk]
            where = frames.repeat(len(some), 1), extras.repeat(len(some), 1)
            ink = mixed_ink(page, other, some)
            vectors.append(_vectors_of(ink, cells[start : start + len(some)], *where))
        return torch.cat(vectors)


def _encode(pixels: torch.Tensor, frames: torch.Tensor, extras: torch.Tensor) -> torch.Tensor:
    ink = 1 - pixels
    return _vectors_of(ink, oriented_cells(ink), frames, extras)


def _vectors_of(
    ink: torch.Tensor, cells: torch.Tensor, frames: torch.Tensor, extras: torch.Tensor
) -> torch.Tensor:
    geometry = PageGeometry.read(frames, extras)
    blocks = {
        "shape": unit_length(windows(cells, **layout.SHAPE_WINDOWS).flatten(1)),
        "grid_energy": smooth_root(cells.sum(dim=1)).flatten(1),
        "oriented_energy": smooth_root(windows(cells, **layout.ENERGY_WINDOWS)).flatten(1),
        "page_map": smooth_root(page_map(ink, geometry)),
        "page_facts": page_facts(ink, geometry).repeat(1, layout.FACT_COPIES),
    }
    return torch.cat([blocks[name] for name in layout.BLOCKS], dim=1)
