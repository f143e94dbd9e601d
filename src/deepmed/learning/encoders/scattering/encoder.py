"""The second built-in encoder: wavelet scattering of the ink box, no weights, no network (D-5)."""

from collections.abc import Sequence

import torch

from deepmed.learning.device import DeviceManager
from deepmed.learning.encoders.base import Embeddings, EncoderIdentity, Image, Prepared, Progress
from deepmed.learning.encoders.batches import embed_in_batches
from deepmed.learning.encoders.hog_pyramid.gradients import smooth_root, windows
from deepmed.learning.encoders.hog_pyramid.page import PageGeometry, page_facts, page_map
from deepmed.learning.encoders.hog_pyramid.preparing import prepare_ink_boxes
from deepmed.learning.encoders.scattering import layout
from deepmed.learning.encoders.scattering.filters import filter_bank
from deepmed.learning.encoders.scattering.transform import Scattered, scatter

NAME = "scattering"


class ScatteringEncoder:
    """Two orders of Morlet wavelet scattering over the ink box, with facts of the page.

    The 768 numbers and their order are described in `layout`, the method and its source in
    `filters` and `transform`. The vector of an image does not depend on the images that are
    encoded with it, to the last bit. It takes some 8 ms an image on one processor core.

    Args:
        device: `auto`, `cpu`, `cuda` or `mps`.

    Raises:
        DeviceDetectionError: the named device is not there.

    Example:
        >>> import numpy as np
        >>> page = np.full((100, 100, 3), 255, np.uint8)
        >>> page[20:80, 50:52] = 0
        >>> encoder = ScatteringEncoder(device="cpu")
        >>> encoder.embed([page]).shape, encoder.identity.name
        ((1, 768), 'scattering')
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
        """Cut a square around the ink of each page, as `hog-pyramid` does.

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
        ink = 1 - prepared.pixels.to(self._device)
        frames, extras = prepared.frames.to(self._device), prepared.extras.to(self._device)
        # One at a time: the paths of one crop keep a processor busy, and what a library does with
        # many crops at once might depend on how many they are.
        rows = [slice(row, row + 1) for row in range(len(ink))]
        vectors = [_encode(ink[row], frames[row], extras[row]) for row in rows]
        return torch.cat(vectors) if vectors else ink.new_zeros(0, layout.DIMENSION)

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


def _encode(ink: torch.Tensor, frames: torch.Tensor, extras: torch.Tensor) -> torch.Tensor:
    found = scatter(ink[0, 0], filter_bank(ink.device, ink.dtype))
    geometry = PageGeometry.read(frames, extras)
    first = windows(found.first[None], **layout.FIRST_WINDOWS)
    blocks = {
        "first": smooth_root(first).flatten(1),
        "second": _ratios(found)[None],
        "ink": smooth_root(windows(found.zeroth[None], **layout.INK_WINDOWS)).flatten(1),
        "page_map": smooth_root(page_map(ink, geometry)),
        "page_facts": page_facts(ink, geometry).repeat(1, layout.FACT_COPIES),
    }
    return torch.cat([blocks[name] for name in layout.BLOCKS], dim=1)


def _ratios(found: Scattered) -> torch.Tensor:
    """(216,) each second order as a share of what it began with; near zero where that is."""
    parents = found.first.mean(dim=(1, 2))[found.parents]
    return found.second.mean(dim=(1, 2)) / (parents + layout.RATIO_FLOOR)
