"""Any encoder on ONNX Runtime: exported once, checked against PyTorch, then run on the CPU (D-4).

The images are prepared by the same code as ever; what is exported is what comes after. Its vectors
agree with PyTorch's to a relative 1e-4, usually to 1e-6, and are kept apart from them all the same:
the identity says `fp32-onnx`.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch

from deepmed.learning.encoders.base import (
    Embeddings,
    Encoder,
    Image,
    Prepared,
    Progress,
)
from deepmed.learning.encoders.batches import embed_in_batches
from deepmed.learning.encoders.identity import EncoderIdentity
from deepmed.learning.encoders.onnx_runtime.exporting import INPUTS, open_session, to_onnx
from deepmed.learning.encoders.onnx_runtime.installed import PRECISION
from deepmed.learning.encoders.onnx_runtime.kept_file import OnnxFile
from deepmed.learning.errors import ModelLoadingError

LARGEST_DIFFERENCE = 1e-4


class OnnxEncoder:
    """An encoder whose vectors ONNX Runtime computes.

    Images are encoded one at a time, so a vector does not depend on its batch. Gradients, and what
    is computed where gradients are wanted, are those of the encoder it was exported from: they
    explain its vectors up to the difference of the two, which is at most a relative 1e-4.

    Args:
        twin: the encoder to export, in fp32 on the CPU.
        folder: where the exported file is kept for next time; nowhere when None.

    Raises:
        ModelLoadingError: the encoder computes in another precision.

    Example:
        >>> from deepmed.learning.encoders import HogPyramidEncoder
        >>> OnnxEncoder(HogPyramidEncoder(device="cpu")).identity.key.split("/")[0]
        'hog-pyramid@fp32-onnx'
    """

    def __init__(self, twin: Encoder, folder: Path | None = None) -> None:
        self.twin = twin
        self._folder = folder

    @property
    def identity(self) -> EncoderIdentity:
        """That of the exported encoder, at another precision.

        Raises:
            ModelLoadingError: the encoder cannot be read, or computes in another precision.
        """
        identity = self.twin.identity
        if identity.precision != "fp32":
            raise ModelLoadingError(
                f"{identity.name!r} computes in {identity.precision}; on ONNX Runtime encoders "
                "compute in fp32 only."
            )
        return replace(identity, precision=f"fp32-{PRECISION}")

    @property
    def patch_grid(self) -> tuple[int, int]:
        """Rows and columns of patches, as the exported encoder has them."""
        return self.twin.patch_grid

    def prepare(self, images: Sequence[Image]) -> Prepared:
        """As the exported encoder prepares images."""
        return self.twin.prepare(images)

    def encode(self, prepared: Prepared) -> torch.Tensor:
        """The vectors of prepared pages.

        Args:
            prepared: what `prepare` made, or the same with other pixels.

        Returns:
            (B, D) float32. Where `prepared.pixels` wants gradients, the exported encoder's own.

        Raises:
            ModelLoadingError: the encoder cannot be exported, or ONNX Runtime gives other vectors.
        """
        if torch.is_grad_enabled() and prepared.pixels.requires_grad:
            return self.twin.encode(prepared)
        rows = [self._run(self._session, prepared, row) for row in range(len(prepared))]
        none = np.zeros((0, self.identity.dimension), np.float32)
        return torch.from_numpy(np.concatenate([none, *rows]))

    def embed(
        self, images: Sequence[Image], batch_size: int = 32, progress: Progress | None = None
    ) -> Embeddings:
        """The vectors of many images.

        Args:
            images: (H, W, 3) uint8 RGB, upright, on white.
            batch_size: images prepared at a time; the vectors do not depend on it.
            progress: called with (images done, images in all) after each batch.

        Returns:
            (N, D) float32.

        Raises:
            EmbeddingGenerationError: an image is not of that kind, or a vector is not finite.
            ModelLoadingError: as `encode`.
        """
        return embed_in_batches(self, images, batch_size, progress)

    @cached_property
    def _session(self) -> Any:
        kept = None if self._folder is None else OnnxFile(self._folder, self.identity.key)
        content = kept.read() if kept else None
        if content is not None:
            return open_session(content)
        content = to_onnx(self.twin, self.twin.prepare(_probes()[:1]))
        session = open_session(content)
        self._compare(session)
        if kept:
            kept.write(content)
        return session

    def _compare(self, session: Any) -> None:
        """Refuse an export that computes something else; optimisers have been seen to."""
        prepared = self.twin.prepare(_probes())
        with torch.no_grad():
            expected = self.twin.encode(prepared).numpy()
        found = np.concatenate([self._run(session, prepared, row) for row in range(len(expected))])
        apart = np.linalg.norm(found - expected, axis=1) / np.linalg.norm(expected, axis=1)
        if not apart.max() <= LARGEST_DIFFERENCE:
            raise ModelLoadingError(
                f"ONNX Runtime's vectors of {self.twin.identity.name!r} differ from PyTorch's by "
                f"{apart.max():.1e}, more than {LARGEST_DIFFERENCE:g}. Nothing was embedded. Leave "
                f"out '@{PRECISION}' to compute them with PyTorch."
            )

    def _run(self, session: Any, prepared: Prepared, row: int) -> Embeddings:
        tensors = (prepared.pixels, prepared.frames, prepared.extras)
        given = {
            name: tensor[row : row + 1].detach().numpy()
            for name, tensor in zip(INPUTS, tensors, strict=True)
        }
        wanted = {one.name for one in session.get_inputs()}
        (vectors,) = session.run(None, {name: given[name] for name in wanted})
        found: Embeddings = vectors
        return found


def _probes() -> list[Image]:
    """A page with strokes, a blank one, one of noise: what an export must agree on."""
    generator = np.random.default_rng(0)
    strokes, blank = np.full((2, 180, 150, 3), 255, np.uint8)
    for _ in range(6):
        start, end = generator.uniform(20, 130, (2, 2))
        points = np.linspace(start, end, 600).astype(int)
        strokes[points[:, 0], points[:, 1]] = generator.integers(0, 200, 3)
    return [strokes, blank, generator.integers(0, 256, (90, 90, 3), dtype=np.uint8)]
