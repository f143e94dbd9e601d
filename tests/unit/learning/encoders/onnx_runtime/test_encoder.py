"""Encoders on ONNX Runtime: the same vectors, under another name."""

import json
import logging
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from deepmed.learning.encoders import (
    Encoder,
    HogPyramidEncoder,
    Image,
    Prepared,
    VisionTransformerWrapper,
    get_encoder,
    registry,
)
from deepmed.learning.encoders.onnx_runtime import encoder as onnx_runtime
from deepmed.learning.encoders.onnx_runtime import installed
from deepmed.learning.encoders.onnx_runtime.encoder import OnnxEncoder
from deepmed.learning.errors import EmbeddingGenerationError, ModelLoadingError

pytest.importorskip("onnxruntime", reason="the extra 'onnx' is not installed")


Maker = Callable[..., Path]


def pages(count: int, seed: int = 5) -> list[Image]:
    generator = np.random.default_rng(seed)
    found = []
    for number in range(count):
        page = np.full((120 + number, 150, 3), 255, np.uint8)
        for _ in range(5):
            start, end = generator.uniform(10, 110, (2, 2))
            points = np.linspace(start, end, 500).astype(int)
            page[points[:, 0], points[:, 1]] = generator.integers(0, 200, 3)
        found.append(page)
    return found


def apart(found: Encoder, expected: Encoder, images: list[Image]) -> float:
    one, other = found.embed(images), expected.embed(images)
    difference = np.linalg.norm(one - other, axis=1) / np.linalg.norm(other, axis=1)
    return float(difference.max())


class Brightness(HogPyramidEncoder):
    """An encoder that is exported quickly."""

    factor = 1.0

    def encode(self, prepared: Prepared) -> torch.Tensor:
        return prepared.pixels.flatten(1)[:, :768] * self.factor


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("onnx")


@pytest.mark.req("D-4.1")
@pytest.mark.parametrize("name", ["hog-pyramid", "scattering"])
def test_vectors_agree_with_pytorch_and_are_named_apart(kept: Path, name: str) -> None:
    plain, exported = get_encoder(name, device="cpu"), get_encoder(f"{name}@onnx", onnx_dir=kept)
    assert isinstance(exported, Encoder)
    assert apart(exported, plain, pages(4)) < 1e-4
    assert exported.identity.precision == "fp32-onnx"
    assert exported.identity.key == plain.identity.key.replace("@fp32/", "@fp32-onnx/")
    assert exported.patch_grid == plain.patch_grid


@pytest.mark.req("D-4.1")
def test_a_transformer_agrees_too(make_transformer: Maker, kept: Path) -> None:
    folder = make_transformer("vit")
    plain = VisionTransformerWrapper(str(folder), device="cpu")
    exported = get_encoder(f"{folder}@onnx", onnx_dir=kept)
    assert apart(exported, plain, pages(3)) < 1e-4
    again = get_encoder(f"{folder}@onnx", onnx_dir=kept)
    again.embed(pages(1))
    assert isinstance(again, OnnxEncoder)
    assert not again.twin.is_loaded()  # type: ignore[attr-defined]  # it is a transformer


@pytest.mark.req("D-4.1")
def test_a_vector_does_not_depend_on_its_batch_to_the_last_bit(kept: Path) -> None:
    encoder = get_encoder("hog-pyramid@onnx", onnx_dir=kept)
    images = pages(5)
    together = encoder.embed(images, batch_size=5)
    assert np.array_equal(encoder.embed(images, batch_size=2), together)
    assert np.array_equal(np.concatenate([encoder.embed([one]) for one in images]), together)
    assert encoder.embed([]).shape == (0, 768)


@pytest.mark.req("D-4.1")
def test_gradients_are_those_of_the_encoder_it_was_exported_from(kept: Path) -> None:
    encoder, plain = get_encoder("hog-pyramid@onnx", onnx_dir=kept), HogPyramidEncoder("cpu")
    prepared = encoder.prepare(pages(1))

    def gradient(of: Encoder) -> torch.Tensor:
        leaf = prepared.pixels.clone().requires_grad_()
        of.encode(prepared.with_pixels(leaf)).square().sum().backward()
        assert leaf.grad is not None
        return leaf.grad

    assert torch.equal(gradient(encoder), gradient(plain))
    assert gradient(encoder).abs().max() > 0


def test_it_is_exported_once_and_again_when_the_file_is_damaged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    exports = []
    export = onnx_runtime.to_onnx

    def counted(encoder: Encoder, example: Prepared) -> bytes:
        exports.append(encoder.identity.key)
        return export(encoder, example)

    monkeypatch.setattr(onnx_runtime, "to_onnx", counted)
    first = OnnxEncoder(Brightness("cpu"), tmp_path).embed(pages(1))
    second = OnnxEncoder(Brightness("cpu"), tmp_path).embed(pages(1))
    assert np.array_equal(first, second)
    assert len(exports) == 1
    (file,) = tmp_path.glob("*.onnx")
    assert str(Path.cwd()).encode() not in file.read_bytes()
    file.write_bytes(file.read_bytes()[:-1] + b"?")
    third = OnnxEncoder(Brightness("cpu"), tmp_path).embed(pages(1))
    assert np.array_equal(first, third)
    assert len(exports) == 2
    (note,) = tmp_path.glob("*.json")
    note.write_text(json.dumps({**json.loads(note.read_text()), "torch": "1.0"}))
    OnnxEncoder(Brightness("cpu"), tmp_path).embed(pages(1))
    assert len(exports) == 3
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.req("D-4.1")
def test_an_export_that_computes_something_else_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    twin = Brightness("cpu")
    export = onnx_runtime.to_onnx

    def exported(encoder: Encoder, example: Prepared) -> bytes:
        content = export(encoder, example)
        twin.factor = 1.001
        return content

    monkeypatch.setattr(onnx_runtime, "to_onnx", exported)
    with pytest.raises(ModelLoadingError, match=r"differ from PyTorch's by 1\.0e-03"):
        OnnxEncoder(twin).embed(pages(1))


def test_what_cannot_be_exported_says_so() -> None:
    class Odd(Brightness):
        def encode(self, prepared: Prepared) -> torch.Tensor:
            found = super().encode(prepared)
            return found * (1.0 if float(found.sum()) > 0 else 2.0)

    with pytest.raises(ModelLoadingError, match="could not be written as ONNX"):
        OnnxEncoder(Odd("cpu")).embed(pages(1))


@pytest.mark.req("D-4.1")
def test_without_the_packages_pytorch_computes_and_the_identity_says_so(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(registry, "is_installed", lambda: False)
    with caplog.at_level(logging.WARNING):
        encoder = get_encoder("hog-pyramid@onnx")
    assert encoder.identity.key == HogPyramidEncoder("cpu").identity.key
    assert "pip install 'deepmed[onnx]'" in caplog.text


def test_what_is_installed_is_looked_up_without_importing_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert installed.is_installed()
    monkeypatch.setattr(installed, "NEEDED", ("onnx", "no_such_package"))
    assert not installed.is_installed()


def test_a_graphics_processor_is_refused_rather_than_left_idle() -> None:
    with pytest.raises(ModelLoadingError, match="on the CPU only"):
        get_encoder("hog-pyramid@onnx", device="cuda")


def test_another_precision_is_not_exported(make_transformer: Maker) -> None:
    twin = VisionTransformerWrapper(str(make_transformer("vit")), device="cpu", precision="bf16")
    with pytest.raises(ModelLoadingError, match="bf16"):
        _ = OnnxEncoder(twin).identity


def test_an_image_of_another_kind_is_refused(kept: Path) -> None:
    encoder = get_encoder("hog-pyramid@onnx", onnx_dir=kept)
    with pytest.raises(EmbeddingGenerationError, match="Image 0"):
        encoder.embed([np.zeros((4, 4), np.uint8)])
