"""The learned encoder is one like the others, wherever its weights come from."""

from pathlib import Path

import numpy as np
import pytest
import torch

from deepmed.learning.encoders import Encoder, Image, available_encoders, get_encoder
from deepmed.learning.encoders.stroke_net import layout
from deepmed.learning.encoders.stroke_net.encoder import StrokeNetEncoder
from deepmed.learning.encoders.stroke_net.weights import (
    read_weights,
    weight_hash,
    weights_file,
    write_weights,
)
from deepmed.learning.errors import ModelLoadingError
from deepmed.learning.pretraining.training import untrained


@pytest.fixture(scope="module")
def encoder() -> StrokeNetEncoder:
    return StrokeNetEncoder(untrained(0), device="cpu")


def drawing(seed: int) -> Image:
    page = np.full((140, 150, 3), 255, np.uint8)
    for x, y in np.random.default_rng(seed).integers(20, 110, (6, 2)):
        page[y : y + 3, x : x + 30] = 0
    return page


def test_it_has_768_numbers_on_the_14_by_14_grid(encoder: StrokeNetEncoder) -> None:
    assert isinstance(encoder, Encoder)
    assert encoder.patch_grid == (14, 14)
    assert encoder.identity.dimension == sum(layout.BLOCKS.values()) == 768
    vectors = encoder.embed([drawing(0), drawing(1)])
    assert vectors.shape == (2, 768)
    assert vectors.dtype == np.float32
    assert (vectors[0] != vectors[1]).any()


def test_the_vector_does_not_depend_on_the_batch(encoder: StrokeNetEncoder) -> None:
    pages = [drawing(seed) for seed in range(3)]
    alone = np.concatenate([encoder.embed([page]) for page in pages])
    np.testing.assert_array_equal(encoder.embed(pages, batch_size=3), alone)


def test_every_learned_number_depends_on_the_pixels(encoder: StrokeNetEncoder) -> None:
    prepared = encoder.prepare([drawing(0)])
    pixels = prepared.pixels.clone().requires_grad_()
    vector = encoder.encode(prepared.with_pixels(pixels))[0]
    for name in layout.HEADS:
        start = list(layout.BLOCKS).index(name)
        first = sum(list(layout.BLOCKS.values())[:start])
        (gradient,) = torch.autograd.grad(vector[first], pixels, retain_graph=True)
        assert torch.isfinite(gradient).all()
        assert gradient.abs().sum() > 0


def test_weights_come_back_from_a_file_as_they_were(
    encoder: StrokeNetEncoder, tmp_path: Path
) -> None:
    path = write_weights(untrained(0), tmp_path, {"seed": "0"})
    assert path == tmp_path / "stroke-net" / "model.safetensors"
    assert path.stat().st_size < 25e6
    kept = get_encoder("stroke-net", tmp_path, "cpu")
    assert kept.identity == encoder.identity
    np.testing.assert_array_equal(kept.embed([drawing(2)]), encoder.embed([drawing(2)]))
    assert weight_hash(untrained(1)) != weight_hash(read_weights(tmp_path))


def test_without_weights_it_is_not_there_and_none_are_made_up(tmp_path: Path) -> None:
    assert "stroke-net" not in available_encoders()
    for folder in (None, tmp_path):
        with pytest.raises(ModelLoadingError, match="not on this machine"):
            get_encoder("stroke-net", folder, "cpu")
    with pytest.raises(ModelLoadingError, match="fp32 only"):
        get_encoder("stroke-net@bf16", tmp_path)


@pytest.mark.parametrize("content", [b"no safetensors", None])
def test_damaged_or_foreign_weights_are_refused(content: bytes | None, tmp_path: Path) -> None:
    from safetensors.torch import save

    path = weights_file(tmp_path)
    path.parent.mkdir()
    path.write_bytes(content if content is not None else save({"other": torch.zeros(1)}))
    with pytest.raises(ModelLoadingError, match="could not be loaded"):
        read_weights(tmp_path)
