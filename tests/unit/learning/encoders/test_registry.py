"""Encoders by name, and what importing them costs."""

import importlib
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
import torch

from deepmed.learning.encoders import (
    Embeddings,
    Encoder,
    EncoderIdentity,
    EncoderOptions,
    HogPyramidEncoder,
    Image,
    Prepared,
    Progress,
    VisionTransformerWrapper,
    available_encoders,
    get_encoder,
    register_encoder,
    registry,
)
from deepmed.learning.encoders.batches import embed_in_batches
from deepmed.learning.errors import ModelLoadingError


def ours() -> list[str]:
    """The product's own encoders; other tests in this process may have registered theirs."""
    made = registry._factories.items()
    return sorted(name for name, factory in made if factory.__module__.startswith("deepmed."))


@pytest.fixture(autouse=True)
def _registry_as_before() -> Iterator[None]:
    before = dict(registry._factories)
    for name in set(before) - set(ours()):
        del registry._factories[name]
    yield
    registry._factories.clear()
    registry._factories.update(before)


@pytest.mark.req("D-5.1")
def test_the_default_needs_no_weights() -> None:
    encoder = get_encoder(device="cpu")
    assert isinstance(encoder, HogPyramidEncoder)
    assert encoder.identity.name == "hog-pyramid"


@pytest.mark.parametrize("name", ["resnet", "", "hog"])
def test_an_unknown_name_is_answered_with_the_installed_ones(name: str) -> None:
    with pytest.raises(ModelLoadingError, match=r"Installed are: .*hog-pyramid"):
        get_encoder(name)


@pytest.mark.req("D-4.1")
def test_transformers_go_by_their_name() -> None:
    for name in registry.KNOWN_TRANSFORMERS:
        encoder = get_encoder(name, device="cpu")
        assert isinstance(encoder, VisionTransformerWrapper)
        assert (encoder.name, encoder.precision) == (name, "fp32")


def test_a_folder_below_the_weights_folder_is_a_name(tmp_path: Path) -> None:
    (tmp_path / "ours").mkdir()
    (tmp_path / "ours" / "config.json").write_text("{}")
    assert isinstance(get_encoder("ours", tmp_path, "cpu"), VisionTransformerWrapper)


@pytest.mark.req("D-23.2")
def test_the_precision_is_asked_for_behind_the_name() -> None:
    encoder = get_encoder("facebook/dinov2-base@bf16", device="cpu")
    assert isinstance(encoder, VisionTransformerWrapper)
    assert encoder.precision == "bf16"
    assert "@fp32/" in get_encoder("hog-pyramid@fp32", device="cpu").identity.key
    with pytest.raises(ModelLoadingError, match="fp32 only"):
        get_encoder("hog-pyramid@bf16", device="cpu")


@pytest.mark.req("D-23.2")
@pytest.mark.req("D-5.3")
def test_the_key_holds_name_precision_version_preprocessing_and_weights() -> None:
    identity = EncoderIdentity("name", "1", "abcdef0123456789", "page-2", "fp32", 768)
    assert identity.key == "name@fp32/1/page-2/abcdef012345"
    changed = [
        EncoderIdentity("other", "1", "abcdef0123456789", "page-2", "fp32", 768),
        EncoderIdentity("name", "2", "abcdef0123456789", "page-2", "fp32", 768),
        EncoderIdentity("name", "1", "bbcdef0123456789", "page-2", "fp32", 768),
        EncoderIdentity("name", "1", "abcdef0123456789", "page-3", "fp32", 768),
        EncoderIdentity("name", "1", "abcdef0123456789", "page-2", "bf16", 768),
    ]
    assert len({identity.key, *(other.key for other in changed)}) == 6


class Brightness:
    """An encoder as somebody else might write one: small, and full when asked for too much."""

    identity = EncoderIdentity("brightness", "1", "0" * 64, "page-1", "fp32", 1)
    patch_grid = (14, 14)

    def __init__(self, options: EncoderOptions | None = None, largest: int = 1000) -> None:
        self.options = options
        self.largest = largest
        self.sizes: list[int] = []

    def prepare(self, images: Sequence[Image]) -> Prepared:
        pixels = torch.stack([torch.full((1, 224, 224), image.mean() / 255) for image in images])
        return Prepared(pixels, torch.zeros(len(images), 4), torch.zeros(len(images), 0))

    def encode(self, prepared: Prepared) -> torch.Tensor:
        self.sizes.append(len(prepared))
        if len(prepared) > self.largest:
            raise torch.OutOfMemoryError("out of memory")
        return prepared.pixels.mean(dim=(2, 3))

    def embed(
        self, images: Sequence[Image], batch_size: int = 32, progress: Progress | None = None
    ) -> Embeddings:
        return embed_in_batches(self, images, batch_size, progress)


def test_a_registered_encoder_is_available_and_gets_its_options(tmp_path: Path) -> None:
    register_encoder("brightness", Brightness)
    encoder = get_encoder("brightness@bf16", tmp_path, "cpu")
    assert isinstance(encoder, Encoder)
    assert isinstance(encoder, Brightness)
    assert encoder.options == EncoderOptions(tmp_path, "cpu", "bf16", allow_download=False)
    assert available_encoders() == ["brightness", "hog-pyramid", "scattering"]


def test_a_name_cannot_silently_become_another_encoder() -> None:
    register_encoder("brightness", Brightness)
    register_encoder("brightness", Brightness)
    with pytest.raises(ValueError, match="taken"):
        register_encoder("brightness", lambda _options: Brightness())
    with pytest.raises(ValueError, match="@"):
        register_encoder("brightness@bf16", Brightness)


def test_an_installed_package_adds_its_encoder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A package on the path with an entry point, as pip would leave it."""
    (tmp_path / "plug_in_encoder.py").write_text(
        "class Made:\n    def __init__(self, options):\n        self.options = options\n"
    )
    info = tmp_path / "plug_in-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: plug-in\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[deepmed.encoders]\nmade = plug_in_encoder:Made\n")
    monkeypatch.syspath_prepend(tmp_path)
    importlib.invalidate_caches()
    assert available_encoders() == ["hog-pyramid", "made", "scattering"]
    assert type(get_encoder("made", device="cpu")).__name__ == "Made"


@pytest.mark.req("D-4.1")
@pytest.mark.req("P-15.1")
def test_embedding_goes_on_with_smaller_batches_when_memory_runs_out() -> None:
    encoder = Brightness(largest=3)
    pages = [np.full((4, 4, 3), level, np.uint8) for level in range(0, 200, 20)]
    told: list[tuple[int, int]] = []
    vectors = encoder.embed(pages, batch_size=8, progress=lambda *done: told.append(done))
    assert np.allclose(vectors[:, 0] * 255, range(0, 200, 20))
    assert encoder.sizes == [8, 4, 2, 2, 2, 2, 2]
    assert told == [(2, 10), (4, 10), (6, 10), (8, 10), (10, 10)]


def test_a_vector_that_is_not_finite_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    from deepmed.learning.errors import EmbeddingGenerationError

    encoder = Brightness()
    monkeypatch.setattr(
        encoder, "encode", lambda prepared: torch.full((len(prepared), 1), torch.nan)
    )
    with pytest.raises(EmbeddingGenerationError, match="not finite"):
        encoder.embed([np.zeros((4, 4, 3), np.uint8)])


@pytest.mark.parametrize("name", ours())
def test_every_registered_encoder_keeps_the_contract(name: str) -> None:
    encoder = get_encoder(name, device="cpu")
    generator = np.random.default_rng(0)
    pages = [generator.integers(0, 256, (60, 80, 3), dtype=np.uint8) for _ in range(3)]
    prepared = encoder.prepare(pages)
    assert isinstance(encoder, Encoder)
    assert prepared.pixels.shape[2:] == (224, 224)
    assert prepared.pixels.dtype == prepared.frames.dtype == prepared.extras.dtype == torch.float32
    assert 0 <= float(prepared.pixels.min()) <= float(prepared.pixels.max()) <= 1
    assert prepared.frames.shape == (3, 4)
    assert len(prepared.extras) == 3
    sides = prepared.frames[:, 2:] - prepared.frames[:, :2]
    assert torch.allclose(sides[:, 0], sides[:, 1])
    leaf = prepared.pixels.clone().requires_grad_()
    vectors = encoder.encode(prepared.with_pixels(leaf))
    vectors.sum().backward()
    assert leaf.grad is not None
    assert vectors.shape == (3, encoder.identity.dimension)
    assert vectors.dtype == torch.float32
    assert np.allclose(encoder.embed(pages), vectors.detach().numpy(), rtol=1e-6)


@pytest.mark.req("P-11.1")
def test_importing_the_encoders_needs_no_server_no_database_and_no_transformers() -> None:
    program = (
        "import sys, numpy as np\n"
        "from deepmed.learning.encoders import get_encoder\n"
        "get_encoder(device='cpu').embed([np.zeros((9, 9, 3), np.uint8)])\n"
        "heavy = {'sqlalchemy', 'fastapi', 'alembic', 'typer', 'transformers', 'huggingface_hub'}\n"
        "print(sorted(heavy & set(sys.modules)))\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "[]"
