"""Pages prepared apart give the vectors of pages embedded at once."""

import numpy as np
import pytest
import torch

from deepmed.learning.encoders import HogPyramidEncoder, Image, Prepared, get_encoder
from deepmed.learning.encoders.batches import encode_in_batches
from deepmed.learning.errors import EmbeddingGenerationError


def pages(count: int) -> list[Image]:
    generator = np.random.default_rng(1)
    return [
        generator.integers(0, 256, (60 + number, 80, 3), dtype=np.uint8) for number in range(count)
    ]


@pytest.mark.req("D-23.1")
@pytest.mark.parametrize("name", ["hog-pyramid", "scattering"])
def test_they_do_not_depend_on_how_pages_were_prepared_and_batched(name: str) -> None:
    encoder, images = get_encoder(name, device="cpu"), pages(5)
    prepared = Prepared.join([encoder.prepare([image]) for image in images])
    assert len(prepared) == 5
    for size in (1, 2, 5):
        assert np.array_equal(encode_in_batches(encoder, prepared, size), encoder.embed(images))
    assert torch.equal(prepared.rows(1, 3).pixels, prepared.pixels[1:3])
    assert len(encode_in_batches(encoder, prepared.rows(0, 0))) == 0


def test_a_vector_that_is_not_finite_is_refused() -> None:
    class Broken(HogPyramidEncoder):
        def encode(self, prepared: Prepared) -> torch.Tensor:
            return super().encode(prepared) / 0

    encoder = Broken("cpu")
    with pytest.raises(EmbeddingGenerationError, match="image 0"):
        encode_in_batches(encoder, encoder.prepare(pages(2)))


def test_nothing_cannot_be_joined() -> None:
    with pytest.raises(ValueError, match="no pages"):
        Prepared.join([])
