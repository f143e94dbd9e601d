import json
from pathlib import Path

import pytest
import torch

from deepmed.features.drawings.bench.encoders import candidates, usable
from deepmed.kit.settings import Settings
from deepmed.learning.encoders import KNOWN_TRANSFORMERS


def tiny_transformer(folder: Path) -> None:
    import transformers

    torch.manual_seed(0)
    sizes = transformers.ViTConfig(
        hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=24
    )
    transformers.ViTModel(sizes).save_pretrained(folder)
    preprocessor = {"image_mean": [0.5] * 3, "image_std": [0.5] * 3, "resample": 2}
    (folder / "preprocessor_config.json").write_text(json.dumps(preprocessor))


@pytest.mark.req("D-24.1")
def test_the_default_is_first_and_what_has_no_weights_here_is_named(
    bench_settings: Settings,
) -> None:
    found = candidates(bench_settings)
    assert [name for name, _ in usable(found)] == ["hog-pyramid"]
    missing = [one.name for one in found if one.encoder is None]
    assert missing == list(KNOWN_TRANSFORMERS)


@pytest.mark.req("D-24.1")
def test_weights_on_this_machine_make_an_encoder_take_part(tmp_path: Path) -> None:
    name = KNOWN_TRANSFORMERS[0]
    tiny_transformer(tmp_path / "weights" / name)
    settings = Settings(home=tmp_path / "home", weights_dir=tmp_path / "weights", device="cpu")
    assert [one for one, _ in usable(candidates(settings))] == ["hog-pyramid", name]
