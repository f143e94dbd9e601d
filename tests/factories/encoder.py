"""A small encoder of the same protocol as the real ones: ink in an 8 by 8 grid, in microseconds."""

import hashlib
from collections.abc import Sequence
from functools import cache

import numpy as np
import torch

from deepmed.learning.encoders import EncoderIdentity, available_encoders, register_encoder
from deepmed.learning.encoders.base import Embeddings, Image, Prepared, Progress

GRID = 8
NAME = "ink-grid"
OTHER_NAME = "ink-grid-turned"


class InkGridEncoder:
    """Mean ink in each cell of a grid; `turned` reads the page sideways, so it is another one."""

    patch_grid = (GRID, GRID)

    def __init__(self, name: str = NAME, *, turned: bool = False) -> None:
        self.turned = turned
        constants = hashlib.sha256(f"{name}/{GRID}/{turned}".encode()).hexdigest()
        self.identity = EncoderIdentity(name, "1", constants, "page-1", "fp32", GRID * GRID)

    def prepare(self, images: Sequence[Image]) -> Prepared:
        pages = [torch.from_numpy(np.ascontiguousarray(image)).permute(2, 0, 1) for image in images]
        pixels = torch.stack([_scaled(page.float().mean(0) / 255)[None] for page in pages])
        frames = torch.tensor(
            [[0, 0, image.shape[1], image.shape[0]] for image in images], dtype=torch.float32
        )
        return Prepared(pixels, frames, torch.zeros(len(images), 0))

    def encode(self, prepared: Prepared) -> torch.Tensor:
        ink = torch.nn.functional.adaptive_avg_pool2d(1 - prepared.pixels, GRID)
        if self.turned:
            ink = ink.transpose(-1, -2)
        return ink.flatten(1)

    def embed(
        self,
        images: Sequence[Image],
        batch_size: int = 32,  # noqa: ARG002 - the protocol's signature
        progress: Progress | None = None,  # noqa: ARG002 - likewise
    ) -> Embeddings:
        if not len(images):
            return np.zeros((0, GRID * GRID), dtype=np.float32)
        found: Embeddings = self.encode(self.prepare(images)).numpy()
        return found


@cache
def _areas(side: int) -> torch.Tensor:
    """Which share of each of 224 means each row has."""
    rows: torch.Tensor = torch.nn.functional.interpolate(torch.eye(side)[None], 224, mode="area")[
        0
    ].T.contiguous()
    return rows


def _scaled(page: torch.Tensor) -> torch.Tensor:
    """Means over areas, as `interpolate` takes them, in a fraction of its time."""
    height, width = page.shape
    return _areas(height) @ page @ _areas(width).T


if NAME not in available_encoders():  # pytest may import this file under two names
    register_encoder(NAME, lambda _options: InkGridEncoder())
    register_encoder(OTHER_NAME, lambda _options: InkGridEncoder(OTHER_NAME, turned=True))
