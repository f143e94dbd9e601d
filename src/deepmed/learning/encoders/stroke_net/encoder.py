"""An encoder learned from procedural drawings; an experiment, and not the default (ADR 29)."""

from functools import cached_property
from pathlib import Path

import torch
from torch.nn import functional

from deepmed.learning.encoders.hog_pyramid.gradients import smooth_root
from deepmed.learning.encoders.hog_pyramid.page import PageGeometry, page_facts, page_map
from deepmed.learning.encoders.identity import EncoderIdentity
from deepmed.learning.encoders.ink_box import InkBoxEncoder
from deepmed.learning.encoders.stroke_net import layout
from deepmed.learning.encoders.stroke_net.network import StrokeNet
from deepmed.learning.encoders.stroke_net.weights import read_weights, weight_hash


class StrokeNetEncoder(InkBoxEncoder):
    """A small network over the ink box of a drawing, with facts of the page.

    The 768 numbers and their order are described in `layout`. The vector of an image does not
    depend on the images that are encoded with it.

    Args:
        network: with its weights; it is put into evaluation mode.
        device: `auto`, `cpu`, `cuda` or `mps`.

    Raises:
        DeviceDetectionError: the named device is not there.

    Example:
        >>> import numpy as np
        >>> page = np.full((100, 100, 3), 255, np.uint8)
        >>> StrokeNetEncoder(StrokeNet(), device="cpu").embed([page]).shape
        (1, 768)
    """

    # One at a time: what a library does with many crops at once depends on how many they are.
    chunk = 1

    def __init__(self, network: StrokeNet, device: str = "auto") -> None:
        super().__init__(device)
        self._network = network.eval().requires_grad_(requires_grad=False).to(self._device)

    @classmethod
    def from_folder(cls, weights_dir: Path | None, device: str = "auto") -> "StrokeNetEncoder":
        """The encoder with the weights of a folder with one folder a model.

        Raises:
            ModelLoadingError: they are not there, or damaged.
            DeviceDetectionError: the named device is not there.
        """
        return cls(read_weights(weights_dir), device)

    @cached_property
    def identity(self) -> EncoderIdentity:
        """What must be equal for two vectors to be comparable."""
        return EncoderIdentity(
            name=layout.NAME,
            version=layout.VERSION,
            weight_hash=weight_hash(self._network),
            preprocessing_version=layout.PREPROCESSING,
            precision="fp32",
            dimension=layout.DIMENSION,
        )

    def _vectors(
        self, pixels: torch.Tensor, frames: torch.Tensor, extras: torch.Tensor
    ) -> torch.Tensor:
        ink = 1 - pixels
        geometry = PageGeometry.read(frames, extras)
        blocks = (
            self._network(functional.avg_pool2d(ink, layout.REDUCTION)),
            smooth_root(page_map(ink, geometry)),
            page_facts(ink, geometry).repeat(1, layout.FACT_COPIES),
        )
        return torch.cat(blocks, dim=1)
