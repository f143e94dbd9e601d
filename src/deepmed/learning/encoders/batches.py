"""Many images to vectors: in batches that shrink when memory runs out, with progress."""

from collections.abc import Sequence
from functools import partial

import numpy as np
import torch

from deepmed.learning.device import with_oom_backoff
from deepmed.learning.encoders.base import Embeddings, Encoder, Image, Progress, check_image
from deepmed.learning.errors import EmbeddingGenerationError


def embed_in_batches(
    encoder: Encoder,
    images: Sequence[Image],
    batch_size: int = 32,
    progress: Progress | None = None,
) -> Embeddings:
    """Embed images batch by batch; `Encoder.embed` is this function.

    Args:
        encoder: what prepares and encodes.
        images: (H, W, 3) uint8 RGB arrays; a lazy sequence is read one batch at a time.
        batch_size: images a batch to begin with; halved when memory runs out, and kept so.
        progress: called with (images done, images in all) after each batch.

    Returns:
        (N, D) float32.

    Raises:
        EmbeddingGenerationError: an image is no RGB image, or a vector is not finite.

    Example:
        >>> from deepmed.learning.encoders import HogPyramidEncoder
        >>> page = np.full((40, 60, 3), 255, np.uint8)
        >>> embed_in_batches(HogPyramidEncoder(device="cpu"), [page, page]).shape
        (2, 768)
    """
    vectors = np.empty((len(images), encoder.identity.dimension), dtype=np.float32)
    done, size = 0, max(1, batch_size)
    while done < len(images):
        block = with_oom_backoff(partial(_embed, encoder, images, done), size)
        vectors[done : done + len(block)] = block
        done, size = done + len(block), min(size, len(block))
        if progress is not None:
            progress(done, len(images))
    return vectors


def _embed(encoder: Encoder, images: Sequence[Image], start: int, rows: int) -> Embeddings:
    batch = [images[index] for index in range(start, min(start + rows, len(images)))]
    for index, image in enumerate(batch, start):
        check_image(image, index)
    with torch.no_grad():
        block: Embeddings = encoder.encode(encoder.prepare(batch)).float().cpu().numpy()
    broken = np.flatnonzero(~np.isfinite(block).all(axis=1))
    if len(broken):
        raise EmbeddingGenerationError(
            f"The vector of image {start + int(broken[0])} is not finite. No vector was kept; "
            f"check the weights of {encoder.identity.name!r}, or its precision."
        )
    return block
