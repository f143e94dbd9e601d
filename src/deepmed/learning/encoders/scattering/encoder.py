"""The second built-in encoder: wavelet scattering of the ink box, no weights, no network (D-5)."""

from functools import cached_property

import torch

from deepmed.learning.encoders.built_in import SCATTERING, scattering_identity
from deepmed.learning.encoders.hog_pyramid.gradients import smooth_root, windows
from deepmed.learning.encoders.hog_pyramid.page import PageGeometry, page_facts, page_map
from deepmed.learning.encoders.identity import EncoderIdentity
from deepmed.learning.encoders.ink_box import InkBoxEncoder
from deepmed.learning.encoders.scattering import layout
from deepmed.learning.encoders.scattering.filters import filter_bank
from deepmed.learning.encoders.scattering.transform import Scattered, scatter

NAME = SCATTERING


class ScatteringEncoder(InkBoxEncoder):
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

    # One at a time: the paths of one crop keep a processor busy, and what a library does with
    # many crops at once might depend on how many they are.
    chunk = 1

    @cached_property
    def identity(self) -> EncoderIdentity:
        """What must be equal for two vectors to be comparable."""
        return scattering_identity()

    def _vectors(
        self, pixels: torch.Tensor, frames: torch.Tensor, extras: torch.Tensor
    ) -> torch.Tensor:
        return _encode(1 - pixels, frames, extras)


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
