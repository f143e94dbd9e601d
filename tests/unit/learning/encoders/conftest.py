"""The default encoder, and tiny transformers made on the spot."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from deepmed.learning.encoders import HogPyramidEncoder

MEAN, STD = [0.4, 0.5, 0.6], [0.2, 0.3, 0.25]

TransformerMaker = Callable[..., Path]


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def hog() -> HogPyramidEncoder:
    return HogPyramidEncoder(device="cpu")


@pytest.fixture
def make_transformer(tmp_path: Path) -> TransformerMaker:
    """Saves a tiny randomly initialised model of a family, as if it had been pretrained."""

    def make(family: str = "vit", name: str = "tiny", seed: int = 0, **options: object) -> Path:
        folder = tmp_path / "weights" / name
        torch.manual_seed(seed)
        _tiny(family, options).save_pretrained(folder)
        preprocessor = {"image_mean": MEAN, "image_std": STD, "resample": 2}
        (folder / "preprocessor_config.json").write_text(json.dumps(preprocessor))
        return folder

    return make


def _tiny(family: str, options: dict[str, object]) -> object:
    import transformers

    sizes = {
        "hidden_size": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "intermediate_size": 48,
        # Larger than the default, so that vectors of different pages differ.
        "initializer_range": 0.2,
        **options,
    }
    if family == "vit":
        return transformers.ViTForImageClassification(transformers.ViTConfig(**sizes))
    if family == "vit-384":
        return transformers.ViTModel(transformers.ViTConfig(image_size=384, **sizes))
    if family == "deit":
        return transformers.DeiTModel(transformers.DeiTConfig(**sizes))
    if family == "beit":
        return transformers.BeitModel(transformers.BeitConfig(**sizes))
    del sizes["intermediate_size"]
    return transformers.Dinov2Model(
        transformers.Dinov2Config(mlp_ratio=2, patch_size=14, image_size=518, **sizes)
    )
