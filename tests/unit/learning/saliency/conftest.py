"""A model whose contributions can be written down, beside the real encoder."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from deepmed.learning.detectors import Detector
from deepmed.learning.encoders import (
    AttentionPass,
    EncoderIdentity,
    Prepared,
    VisionTransformerWrapper,
)
from deepmed.learning.saliency import PageScore, ScoreFunction

Picture = NDArray[np.uint8]
Values = NDArray[np.float64]

GRID = (14, 14)
WEIGHTS = np.random.default_rng(3).normal(size=196)


class PatchMeans:
    """Encodes a page as the 196 means of its patches, and remembers what it was shown."""

    patch_grid = GRID
    identity = EncoderIdentity("patch-means", "1", "0" * 64, "page-1", "fp32", 196)

    def __init__(self) -> None:
        self.seen: list[Prepared] = []

    def prepare(self, images: Sequence[Picture]) -> Prepared:
        pixels = torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2).float() / 255
        frames = torch.tensor([[-10.0, 5.0, 214.0, 229.0]]).repeat(len(images), 1)
        return Prepared(pixels, frames, torch.full((len(images), 2), 7.0))

    def encode(self, prepared: Prepared) -> torch.Tensor:
        self.seen.append(prepared)
        return torch.nn.functional.avg_pool2d(prepared.pixels.mean(1, keepdim=True), 16).flatten(1)

    def embed(self, images: Sequence[Picture], *_: object) -> NDArray[np.float32]:
        return self.encode(self.prepare(images)).numpy()


class Attentive(PatchMeans):
    """The same with two layers of attention over a first token and four patches."""

    patch_grid = (2, 2)
    attentions = tuple(
        torch.softmax(torch.randn(1, 3, 5, 5, generator=torch.Generator().manual_seed(layer)), -1)
        for layer in range(2)
    )
    tokens = torch.randn(1, 5, 4, generator=torch.Generator().manual_seed(9))
    # Channel by token: the vector is a sum over tokens, so its gradient is known.
    mixing = torch.randn(5, 4, 4, generator=torch.Generator().manual_seed(8))

    def encode(self, prepared: Prepared) -> torch.Tensor:
        return torch.einsum("btc,tcd->bd", self.tokens, self.mixing).expand(len(prepared), -1)

    def forward_with_attention(self, _prepared: Prepared) -> AttentionPass:
        tokens = self.tokens.clone().requires_grad_()
        embedding = torch.einsum("btc,tcd->bd", tokens, self.mixing)
        return AttentionPass(embedding, self.attentions, tokens, 1, self.patch_grid)


class Weighted:
    """A detector whose score is a weighted sum of its columns, to some power."""

    name = "weighted"
    differentiable = True

    def __init__(self, weights: Any = WEIGHTS, power: int = 1) -> None:
        self.weights = np.asarray(weights, dtype=np.float64)
        self.power = power

    def score_tensor(self, rows: torch.Tensor) -> torch.Tensor:
        return (rows**self.power) @ torch.from_numpy(self.weights)

    def score_samples(self, rows: Values) -> Values:
        return np.array([(row**self.power) @ self.weights for row in rows])


def linear_page(image: Picture, encoder: PatchMeans | None = None, power: int = 1) -> PageScore:
    encoder = encoder or PatchMeans()
    detector: Detector = Weighted(power=power)  # type: ignore[assignment] # the methods that maps use
    return ScoreFunction(encoder, detector).at(encoder.prepare([image]))


def patch_means(image: Picture) -> Values:
    """The 196 means by another route than the encoder's."""
    cells = image.astype(np.float64).reshape(14, 16, 14, 16, 3) / 255
    return np.asarray(cells.mean(axis=(1, 3, 4)))


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture
def picture() -> Picture:
    return np.random.default_rng(0).integers(0, 256, (224, 224, 3), dtype=np.uint8)


@pytest.fixture
def page(picture: Picture) -> PageScore:
    return linear_page(picture)


@pytest.fixture
def tiny_transformer(tmp_path: Path) -> VisionTransformerWrapper:
    """A randomly initialised ViT, saved as if it had been pretrained."""
    import transformers

    torch.manual_seed(0)
    config = transformers.ViTConfig(
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=48,
        initializer_range=0.2,
    )
    transformers.ViTModel(config).save_pretrained(tmp_path / "tiny")
    preprocessor = {"image_mean": [0.5] * 3, "image_std": [0.5] * 3, "resample": 2}
    (tmp_path / "tiny" / "preprocessor_config.json").write_text(json.dumps(preprocessor))
    return VisionTransformerWrapper(str(tmp_path / "tiny"), device="cpu")
