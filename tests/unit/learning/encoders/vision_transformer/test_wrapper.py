"""Each family of transformers against the model called by hand."""

import dataclasses
import json
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from deepmed.learning.encoders import Image, VisionTransformerWrapper, get_encoder
from deepmed.learning.errors import ModelLoadingError

FAMILIES = {"vit": 1, "vit-384": 1, "deit": 2, "beit": 1, "dinov2": 1}
GRIDS = {"dinov2": (16, 16)}


def noise(seed: int, height: int = 90, width: int = 60) -> Image:
    generator = np.random.default_rng(seed)
    return generator.integers(0, 256, (height, width, 3), dtype=np.uint8)


Maker = Callable[..., Path]


@pytest.fixture
def pages() -> list[Image]:
    return [noise(seed, 60 + 20 * seed, 100) for seed in range(5)]


def wrapper(folder: Path, **options: str) -> VisionTransformerWrapper:
    return VisionTransformerWrapper(folder.name, weights_dir=folder.parent, device="cpu", **options)


def by_hand(folder: Path, pages: list[Image]) -> np.ndarray:
    """Pad the page to a square, scale, normalise, and take the first token."""
    from PIL import Image as Pillow
    from transformers import AutoModel

    inputs = []
    for page in pages:
        side = max(page.shape[:2])
        square = Pillow.new("RGB", (side, side), "white")
        top, left = (side - page.shape[0]) // 2, (side - page.shape[1]) // 2
        square.paste(Pillow.fromarray(page), (left, top))
        scaled = square.resize((224, 224), Pillow.Resampling.BILINEAR)
        inputs.append((np.asarray(scaled) / 255 - [0.4, 0.5, 0.6]) / [0.2, 0.3, 0.25])
    batch = torch.tensor(np.array(inputs), dtype=torch.float32).permute(0, 3, 1, 2)
    model = AutoModel.from_pretrained(folder).eval()
    other = json.loads((folder / "config.json").read_text())["image_size"] != 224
    extra = {"interpolate_pos_encoding": True} if other and "vit-384" in folder.name else {}
    with torch.no_grad():
        return model(batch, **extra).last_hidden_state[:, 0].numpy()


@pytest.mark.req("D-4.1")
@pytest.mark.parametrize("family", FAMILIES)
def test_each_family_gives_its_own_first_token(
    make_transformer: Maker, pages: list[Image], family: str
) -> None:
    folder = make_transformer(family, name=family)
    # 224 pixels already, so that padding before or after scaling is the same.
    pages = [noise(seed, 224, 160) for seed in range(3)]
    vectors = wrapper(folder).embed(pages)
    assert vectors.shape == (3, 32)
    assert vectors.dtype == np.float32
    assert np.allclose(vectors, by_hand(folder, pages), atol=1e-5)
    assert np.abs(vectors[0] - vectors[1]).max() > 1e-3


@pytest.mark.req("D-4.1")
def test_the_dimension_is_the_model_s_own_and_768_for_base_models(make_transformer: Maker) -> None:
    folder = make_transformer(hidden_size=768, num_hidden_layers=1, num_attention_heads=12)
    encoder = wrapper(folder)
    assert encoder.identity.dimension == 768
    assert encoder.embed([noise(0)]).shape == (1, 768)


@pytest.mark.req("D-4.1")
def test_pages_are_padded_to_a_square_on_white(make_transformer: Maker) -> None:
    encoder = wrapper(make_transformer())
    black = np.zeros((100, 200, 3), np.uint8)
    prepared = encoder.prepare([black, black.transpose(1, 0, 2)])
    assert prepared.pixels.shape == (2, 3, 224, 224)
    assert prepared.frames.tolist() == [[0, -50, 200, 150], [-50, 0, 150, 200]]
    wide = prepared.pixels[0]
    assert wide[:, :56].min() == 1
    assert wide[:, 168:].min() == 1
    assert wide[:, 56:168].max() == 0
    assert torch.equal(prepared.pixels[1], wide.transpose(1, 2))


@pytest.mark.req("D-4.1")
def test_batches_and_single_images_agree_and_progress_is_told(
    make_transformer: Maker, pages: list[Image]
) -> None:
    encoder = wrapper(make_transformer())
    told: list[tuple[int, int]] = []
    together = encoder.embed(pages, batch_size=2, progress=lambda *done: told.append(done))
    alone = np.concatenate([encoder.embed([page]) for page in pages])
    assert np.allclose(together, alone, rtol=1e-4, atol=1e-5)
    assert told == [(2, 5), (4, 5), (5, 5)]


@pytest.mark.req("D-4.1")
def test_the_device_is_picked_by_itself(
    make_transformer: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = make_transformer()
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr("deepmed.learning.device._has_mps", lambda: True)
    encoder = VisionTransformerWrapper(folder.name, weights_dir=folder.parent)
    assert encoder.get_model_info()["device"] == "mps"


@pytest.mark.req("D-4.1")
def test_nothing_is_loaded_before_it_is_needed(make_transformer: Maker) -> None:
    encoder = wrapper(make_transformer())
    assert encoder.identity.name == "tiny"
    assert encoder.prepare([noise(0)]).pixels.shape == (1, 3, 224, 224)
    assert not encoder.is_loaded()
    assert encoder.get_model_info()["loaded"] is False
    encoder.load_model()
    assert encoder.is_loaded()
    info = encoder.get_model_info()
    assert info["loaded"] is True
    assert info["architecture"] == "vit"
    assert info["key"] == encoder.identity.key
    assert json.dumps(info)


@pytest.mark.req("D-4.1")
@pytest.mark.req("D-23.2")
def test_bf16_is_another_encoder_with_nearly_the_same_vector(
    make_transformer: Maker, pages: list[Image]
) -> None:
    folder = make_transformer()
    full, half = wrapper(folder), wrapper(folder, precision="bf16")
    assert "tiny@fp32/" in full.identity.key
    assert "tiny@bf16/" in half.identity.key
    assert dataclasses.replace(half.identity, precision="fp32") == full.identity
    first, second = full.embed(pages), half.embed(pages)
    assert second.dtype == np.float32
    assert not np.array_equal(first, second)
    assert np.abs(first - second).max() < 0.1 * np.abs(first).max()


def test_a_precision_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ModelLoadingError, match="fp32, bf16"):
        VisionTransformerWrapper(precision="fp8")


def test_it_is_differentiable_with_respect_to_the_pixels(make_transformer: Maker) -> None:
    encoder = wrapper(make_transformer())
    prepared = encoder.prepare([noise(0)])
    leaf = prepared.pixels.clone().requires_grad_()
    encoder.encode(prepared.with_pixels(leaf))[:, :3].sum().backward()
    assert leaf.grad is not None
    assert leaf.grad.abs().max() > 0


@pytest.mark.parametrize("family", FAMILIES)
def test_attention_maps_and_tokens_belong_to_the_vector(
    make_transformer: Maker, family: str
) -> None:
    encoder = wrapper(make_transformer(family))
    prepared = encoder.prepare([noise(0), noise(1)])
    seen = encoder.forward_with_attention(prepared)
    rows, columns = GRIDS.get(family, (14, 14))
    tokens = FAMILIES[family] + rows * columns
    assert torch.allclose(seen.embedding, encoder.encode(prepared), atol=1e-6)
    assert (seen.prefix_tokens, seen.patch_grid) == (FAMILIES[family], (rows, columns))
    assert [tuple(layer.shape) for layer in seen.attentions] == [(2, 2, tokens, tokens)] * 2
    assert torch.allclose(seen.attentions[0].sum(dim=-1), torch.ones(2, 2, tokens), atol=1e-5)
    wanted = [seen.tokens, *seen.attentions]
    gradients = torch.autograd.grad(seen.embedding.square().sum(), wanted)
    assert gradients[0][:, seen.prefix_tokens :].abs().max() > 0
    assert all(gradient.abs().max() > 0 for gradient in gradients)


def test_attention_is_found_while_gradients_are_off(make_transformer: Maker) -> None:
    encoder = wrapper(make_transformer())
    with torch.no_grad():
        seen = encoder.forward_with_attention(encoder.prepare([noise(0)]))
    assert seen.tokens.requires_grad


@pytest.mark.req("D-5.1")
def test_random_weights_never_stand_in_for_missing_ones(make_transformer: Maker) -> None:
    """transformers itself would fill the gap and print a warning."""
    folder = make_transformer()
    weights = load_file(folder / "model.safetensors")
    gone = next(name for name in weights if "layer.1" in name and "weight" in name)
    del weights[gone]
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(ModelLoadingError, match=r"lack layers?\.1.*Random numbers"):
        wrapper(folder).embed([noise(0)])


@pytest.mark.req("D-5.1")
def test_weights_of_another_shape_are_refused(make_transformer: Maker) -> None:
    folder = make_transformer()
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"intermediate_size": 96}))
    with pytest.raises(ModelLoadingError, match=r"lack|could not be loaded"):
        wrapper(folder).load_model()


@pytest.mark.req("D-5.1")
def test_a_missing_head_is_no_missing_weight(make_transformer: Maker) -> None:
    """The classifier's checkpoint has no pooler, which the vector never passes through."""
    folder = make_transformer("vit")
    assert not any("pooler" in name for name in load_file(folder / "model.safetensors"))
    assert wrapper(folder).embed([noise(0)]).shape == (1, 32)


@pytest.mark.req("D-5.3")
def test_other_weights_another_configuration_or_other_pixels_are_another_encoder(
    make_transformer: Maker,
) -> None:
    folder = make_transformer()
    keys = [wrapper(folder).identity.key, wrapper(make_transformer(seed=1)).identity.key]
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"hidden_act": "relu"}))
    keys.append(wrapper(folder).identity.key)
    pixels = {"image_mean": [0.5] * 3, "image_std": [0.5] * 3}
    (folder / "preprocessor_config.json").write_text(json.dumps(pixels))
    keys.append(wrapper(folder).identity.key)
    assert len(set(keys)) == 4
    assert wrapper(folder).identity.key == keys[-1]


@pytest.mark.req("D-5.3")
def test_weights_that_change_after_they_were_named_are_refused(make_transformer: Maker) -> None:
    encoder = wrapper(make_transformer())
    before = encoder.identity
    make_transformer(seed=1)
    with pytest.raises(ModelLoadingError, match="changed on disk"):
        encoder.load_model()
    assert encoder.identity == before


def test_a_folder_is_a_name_too_and_its_path_stays_out_of_the_identity(
    make_transformer: Maker,
) -> None:
    folder = make_transformer()
    encoder = get_encoder(str(folder), device="cpu")
    assert encoder.identity == wrapper(folder).identity
    assert str(folder.parent) not in encoder.identity.key


def test_a_model_without_a_token_for_the_image_is_refused(
    make_transformer: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A grid of as many patches as tokens leaves none for the image, as in Swin transformers."""
    encoder = wrapper(make_transformer())
    monkeypatch.setattr(VisionTransformerWrapper, "patch_grid", property(lambda _self: (1, 197)))
    with pytest.raises(ModelLoadingError, match="no token for the whole image"):
        encoder.embed([noise(0)])


def test_loading_is_silent(make_transformer: Maker, capfd: pytest.CaptureFixture[str]) -> None:
    from transformers.utils import logging

    folder = make_transformer()
    capfd.readouterr()
    bars = logging.is_progress_bar_enabled()
    wrapper(folder).load_model()
    sys.stderr.flush()
    assert capfd.readouterr().err == ""
    assert logging.is_progress_bar_enabled() == bars
