"""Many images to vectors: in batches that shrink when memory runs out, with progress."""

from collections.abc import Sequence
from functools import partial

import numpy as np
import torch

from deepmed.learning.device import with_oom_backoff
from deepmed.learning.encoders.base import (
    Embeddings,
    Encoder,
    Image,
    Prepared,
    Progress,
    check_image,
)
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


def encode_in_batches(encoder: Encoder, prepared: Prepared, batch_size: int = 32) -> Embeddings:
    """Encode pages that are prepared already, for example by other threads.

    Args:
        encoder: the one that prepared them.
        prepared: any number of pages.
        batch_size: pages a batch to begin with; halved when memory runs out, and kept so.

    Returns:
        (N, D) float32, as `embed_in_batches` gives them for the same images.

    Raises:
        EmbeddingGenerationError: a vector is not finite.

    Example:
        >>> from deepmed.learning.encoders import HogPyramidEncoder
        >>> encoder = HogPyramidEncoder(device="cpu")
        >>> page = np.full((40, 60, 3), 255, np.uint8)
        >>> encode_in_batches(encoder, encoder.prepare([page, page])).shape
        (2, 768)
    """
    vectors = np.empty((len(prepared), encoder.identity.dimension), dtype=np.float32)
    done, size = 0, max(1, batch_size)
    while done < len(prepared):
        block = with_oom_backoff(partial(_encode_rows, encoder, prepared, done), size)
        vectors[done : done + len(block)] = block
        done, size = done + len(block), min(size, len(block))
    return vectors


def _encode_rows(encoder: Encoder, prepared: Prepared, start: int, rows: int) -> Embeddings:
    return _encode(encoder, prepared.rows(start, start + rows), start)


def _embed(encoder: Encoder, images: Sequence[Image], start: int, rows: int) -> Embeddings:
    batch = [images[index] for index in range(start, min(start + rows, len(images)))]
    for index, image in enumerate(batch, start):
        check_image(image, index)
    return _encode(encoder, encoder.prepare(batch), start)


def _encode(encoder: Encoder, prepared: Prepared, start: int) -> Embeddings:
    with torch.no_grad():
        block: Embeddings = encoder.encode(prepared).float().cpu().numpy()
    broken = np.flatnonzero(~np.isfinite(block).all(axis=1))
    if len(broken):
        raise EmbeddingGenerationError(
            f"The vector of image {start + int(broken[0])} is not finite. No vector was kept; "
            f"check the weights of {encoder.identity.name!r}, or its precision."
        )
    return block
