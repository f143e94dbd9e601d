"""Where weights are looked for, and what is never opened."""

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import huggingface_hub
import huggingface_hub.constants
import pytest

from deepmed.learning.encoders import VisionTransformerWrapper
from deepmed.learning.encoders.vision_transformer.preprocessing import Preprocessing
from deepmed.learning.encoders.vision_transformer.weights import ModelFolder, find_model_folder
from deepmed.learning.errors import ModelLoadingError

NAME = "somebody/tiny-vit"

Maker = Callable[..., Path]


@pytest.fixture(autouse=True)
def _empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "cache"))


@pytest.mark.req("D-5.1")
def test_absent_weights_say_where_was_looked_and_what_works_without(tmp_path: Path) -> None:
    encoder = VisionTransformerWrapper(NAME, weights_dir=tmp_path, device="cpu")
    with pytest.raises(ModelLoadingError) as caught:
        encoder.load_model()
    for words in (NAME, str(tmp_path / NAME), "hub's cache", "hog-pyramid", "no random weights"):
        assert words in str(caught.value)
    assert not encoder.is_loaded()


@pytest.mark.parametrize("place", ["somebody/tiny-vit", "somebody--tiny-vit", "tiny-vit"])
def test_a_folder_a_model_is_found_under_three_names(tmp_path: Path, place: str) -> None:
    (tmp_path / place).mkdir(parents=True)
    (tmp_path / place / "config.json").write_text("{}")
    assert find_model_folder(NAME, tmp_path).path == tmp_path / place


def test_no_name_leads_out_of_the_weights_folder(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "config.json").write_text("{}")
    (tmp_path / "weights").mkdir()
    with pytest.raises(ModelLoadingError):
        find_model_folder("../outside", tmp_path / "weights")


def test_the_cache_of_the_hub_is_read_without_asking_the_hub(tmp_path: Path) -> None:
    model = tmp_path / "cache" / "models--somebody--tiny-vit"
    snapshot = model / "snapshots" / "abc"
    snapshot.mkdir(parents=True)
    (snapshot / "config.json").write_text("{}")
    (model / "refs").mkdir()
    (model / "refs" / "main").write_text("abc")
    assert find_model_folder(NAME).path == snapshot


@pytest.mark.parametrize("allowed", [False, True])
def test_weights_are_fetched_only_where_that_is_allowed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make_transformer: Maker, *, allowed: bool
) -> None:
    asked = []
    fetched = make_transformer()

    def fetch(name: str, allow_patterns: list[str]) -> str:
        asked.append((name, [pattern for pattern in allow_patterns if "bin" in pattern]))
        return str(fetched)

    monkeypatch.setattr(huggingface_hub, "snapshot_download", fetch)
    encoder = VisionTransformerWrapper(NAME, tmp_path / "none", "cpu", allow_download=allowed)
    if allowed:
        encoder.load_model()
        assert asked == [(NAME, [])]
    else:
        with pytest.raises(ModelLoadingError):
            encoder.load_model()
        assert asked == []


def test_a_fetch_that_fails_says_what_to_do_instead(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fetch(_name: str, **_options: object) -> str:
        raise OSError("offline")

    monkeypatch.setattr(huggingface_hub, "snapshot_download", fetch)
    with pytest.raises(ModelLoadingError, match="DEEPMED_WEIGHTS_DIR"):
        find_model_folder(NAME, tmp_path, allow_download=True)


def test_a_pickled_checkpoint_is_never_opened(make_transformer: Maker) -> None:
    folder = make_transformer()
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    encoder = VisionTransformerWrapper(str(folder), device="cpu")
    with pytest.raises(ModelLoadingError, match="safetensors"):
        encoder.load_model()


@pytest.mark.req("D-5.3")
def test_the_hash_is_that_of_the_file(make_transformer: Maker) -> None:
    folder = make_transformer()
    expected = hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest()
    assert ModelFolder(folder).weight_hash() == expected
    assert VisionTransformerWrapper(str(folder), device="cpu").identity.weight_hash == expected


def test_the_hash_of_a_configuration_stays_what_it_was(tmp_path: Path) -> None:
    said = {"hidden_size": 192, "layer_norm_eps": 1e-12, "label": "Blüte", "qkv_bias": True}
    (tmp_path / "config.json").write_text(json.dumps({**said, "_name_or_path": "x"}))
    stored = "97a90a20378190df984a0802e8106a966037d8c644ed86ba55d63a5a97a3b7ef"
    assert ModelFolder(tmp_path).config_hash == stored


def test_the_hash_of_several_files_runs_over_all_of_them(tmp_path: Path) -> None:
    for name, content in (("model-1.safetensors", b"one"), ("model-2.safetensors", b"two")):
        (tmp_path / name).write_bytes(content)
    index = {"weight_map": {"b": "model-2.safetensors", "a": "model-1.safetensors"}}
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps(index))
    assert ModelFolder(tmp_path).weight_hash() == hashlib.sha256(b"onetwo").hexdigest()


@pytest.mark.parametrize("name", ["../model-1.safetensors", "model-3.safetensors"])
def test_an_index_that_points_elsewhere_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps({"weight_map": {"a": name}}))
    with pytest.raises(ModelLoadingError, match="not in that folder"):
        ModelFolder(tmp_path).weight_hash()


@pytest.mark.parametrize("damage", ["truncated", "noise"])
def test_damaged_weights_are_an_error_that_says_so(make_transformer: Maker, damage: str) -> None:
    folder = make_transformer()
    file = folder / "model.safetensors"
    content = file.read_bytes()
    file.write_bytes(content[: len(content) // 2] if damage == "truncated" else b"\0" * 64)
    with pytest.raises(ModelLoadingError, match="could not be loaded"):
        VisionTransformerWrapper(str(folder), device="cpu").load_model()


@pytest.mark.parametrize("file", ["config.json", "preprocessor_config.json"])
@pytest.mark.parametrize("content", ["{", "[]", None])
def test_a_missing_or_damaged_description_is_named(
    make_transformer: Maker, file: str, content: str | None
) -> None:
    folder = make_transformer()
    if content is None:
        (folder / file).unlink()
    else:
        (folder / file).write_text(content)
    with pytest.raises(ModelLoadingError, match=file if content else "config.json|not on this"):
        VisionTransformerWrapper(str(folder), device="cpu").identity  # noqa: B018 - reading it is the test


def test_a_text_model_is_no_vision_transformer(make_transformer: Maker) -> None:
    folder = make_transformer()
    (folder / "config.json").write_text(json.dumps({"model_type": "bert", "hidden_size": 32}))
    with pytest.raises(ModelLoadingError, match="no vision transformer"):
        VisionTransformerWrapper(str(folder), device="cpu").load_model()


def test_a_copied_folder_is_the_same_encoder(make_transformer: Maker, tmp_path: Path) -> None:
    folder = make_transformer()
    copy = shutil.copytree(folder, tmp_path / "elsewhere" / "tiny")
    first, second = (VisionTransformerWrapper(str(at), device="cpu") for at in (folder, copy))
    assert first.identity == second.identity


def test_an_encoder_that_wants_no_normalisation_gets_none() -> None:
    plain = Preprocessing.read({"do_normalize": False, "image_mean": [0.5] * 3})
    assert (plain.mean, plain.std) == ((0.0,) * 3, (1.0,) * 3)


@pytest.mark.parametrize(
    "config",
    [
        {},
        {"image_mean": [0.5] * 3},
        {"image_mean": [0.5], "image_std": [0.5]},
        {"image_mean": [0.5] * 3, "image_std": [0.5, 0, 0.5]},
        {"image_mean": ["a"] * 3, "image_std": [1] * 3},
    ],
)
def test_a_normalisation_that_is_not_given_is_not_guessed(config: dict[str, object]) -> None:
    with pytest.raises(ModelLoadingError, match="image_mean and image_std"):
        Preprocessing.read(config)
