"""Pretrained weights: state dicts made on the spot, in the layout of those that are in use."""

import hashlib
import re
from collections.abc import Callable
from pathlib import Path

import huggingface_hub
import pytest
import torch
from safetensors.torch import save_file

from deepmed.learning.errors import ModelLoadingError
from deepmed.learning.networks import NetworkSettings, build_network
from deepmed.learning.networks.pretrained import DEVIATION, MEAN

SETTINGS = {"name": "resnet18", "width": 4, "head": (8,)}


def settings(**changed: object) -> NetworkSettings:
    return NetworkSettings(**{**SETTINGS, **changed})  # type: ignore[arg-type] # of any setting


def resnet_18_of_others(width: int = 4) -> dict[str, torch.Tensor]:
    """Names and shapes as torchvision's resnet18 has them, written down independently."""
    found = {"conv1.weight": torch.rand(width, 3, 7, 7), **norm("bn1", width)}
    before = width
    for stage in range(1, 5):
        after = width * 2 ** (stage - 1)
        for block in range(2):
            name = f"layer{stage}.{block}"
            found[f"{name}.conv1.weight"] = torch.rand(after, before, 3, 3)
            found[f"{name}.conv2.weight"] = torch.rand(after, after, 3, 3)
            found |= norm(f"{name}.bn1", after) | norm(f"{name}.bn2", after)
            if before != after:
                found[f"{name}.downsample.0.weight"] = torch.rand(after, before, 1, 1)
                found |= norm(f"{name}.downsample.1", after)
            before = after
    return found | {"fc.weight": torch.rand(1000, before), "fc.bias": torch.rand(1000)}


def norm(name: str, width: int) -> dict[str, torch.Tensor]:
    parts = ("weight", "bias", "running_mean", "running_var")
    return {f"{name}.{part}": torch.rand(width) for part in parts}


def written(tensors: dict[str, torch.Tensor], folder: Path) -> Path:
    path = folder / "weights.safetensors"
    save_file(tensors, path)
    return path


@pytest.mark.req("X-6.2")
def test_weights_in_the_layout_of_torchvision_are_taken_and_recorded(tmp_path: Path) -> None:
    theirs = resnet_18_of_others()
    path = written(theirs, tmp_path)
    network = build_network(settings(weights=path))
    ours = network.features.state_dict()
    assert all(ours[name].equal(one) for name, one in theirs.items() if not name.startswith("fc."))
    record = network.weights.to_json()
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    assert (record["source"], record["file"], record["sha256"]) == ("file", path.name, digest)
    assert digest in record["statement"]
    assert record["left_out"] == ["fc.bias", "fc.weight"]
    assert record["loaded"] == len(theirs) - 2


@pytest.mark.req("X-6.2")
def test_the_normalisation_that_the_weights_expect_is_stored(tmp_path: Path) -> None:
    path = written(resnet_18_of_others(), tmp_path)
    record = build_network(settings(weights=path)).weights.to_json()
    assert (record["mean"], record["deviation"]) == (list(MEAN), list(DEVIATION))
    assert build_network(settings()).weights.to_json()["mean"] is None


@pytest.mark.req("X-6.2")
def test_without_weights_the_record_says_that_they_are_random() -> None:
    record = build_network(settings()).weights.to_json()
    assert (record["source"], record["file"], record["sha256"]) == ("random", None, None)
    assert "random weights" in record["statement"]


@pytest.mark.req("X-6.2")
def test_another_file_than_the_one_named_is_refused(tmp_path: Path) -> None:
    path = written(resnet_18_of_others(), tmp_path)
    with pytest.raises(ModelLoadingError, match="was asked for"):
        build_network(settings(weights=path, weights_sha256="0" * 64))
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    assert build_network(settings(weights=path, weights_sha256=digest)).weights.sha256 == digest


@pytest.mark.req("X-6.2")
@pytest.mark.parametrize(
    "spoiled",
    [
        {"layer1.0.conv1.weight": None},
        {"layer1.0.conv1.weight": torch.rand(4, 4, 1, 1)},
        {"conv1.weight": None},
        {"layer5.0.conv1.weight": torch.rand(1)},
    ],
)
def test_weights_that_do_not_fit_are_refused_by_name(
    spoiled: dict[str, torch.Tensor | None], tmp_path: Path
) -> None:
    theirs = {**resnet_18_of_others(), **spoiled}
    path = written({name: one for name, one in theirs.items() if one is not None}, tmp_path)
    with pytest.raises(ModelLoadingError, match=re.escape(next(iter(spoiled)))):
        build_network(settings(weights=path))


def test_a_file_that_could_run_code_is_not_opened(tmp_path: Path) -> None:
    path = tmp_path / "resnet18.pth"
    torch.save(resnet_18_of_others(), path)
    with pytest.raises(ModelLoadingError, match="no safetensors file"):
        build_network(settings(weights=path))
    with pytest.raises(ModelLoadingError, match="cannot be read"):
        build_network(settings(weights=tmp_path / "absent.safetensors"))


@pytest.mark.req("X-6.2")
def test_a_grey_network_gives_what_three_equal_colours_gave(tmp_path: Path) -> None:
    path = written(resnet_18_of_others(), tmp_path)
    grey, colour = (build_network(settings(weights=path, channels=n)).eval() for n in (1, 3))
    image = torch.rand(2, 1, 64, 64)
    assert torch.allclose(grey.embed(image), colour.embed(image.expand(-1, 3, -1, -1)), rtol=1e-4)
    assert grey.weights.summed_colours
    assert not colour.weights.summed_colours


def test_a_small_stem_stays_random_and_the_record_says_so(tmp_path: Path) -> None:
    path = written(resnet_18_of_others(), tmp_path)
    network = build_network(settings(weights=path, stem="3x3"))
    assert network.features.state_dict()["conv1.weight"].shape == (4, 3, 3, 3)
    assert network.weights.left_out == ("conv1.weight", "fc.bias", "fc.weight")


@pytest.mark.req("X-6.2")
def test_other_networks_take_the_names_that_files_have(tmp_path: Path) -> None:
    for name, rename in THEIR_NAMES.items():
        plain = NetworkSettings(name, head=(8,), width=4 if name.startswith("vgg") else 64)
        source = build_network(plain).features.state_dict()
        path = written({rename(key): one for key, one in source.items()}, tmp_path)
        loaded = build_network(NetworkSettings(**{**plain.__dict__, "weights": path}))
        ours = loaded.features.state_dict()
        assert all(one.equal(ours[key]) for key, one in source.items()), name


@pytest.mark.req("X-6.2")
def test_the_hub_gives_weights_where_it_can_be_reached(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs = resnet_18_of_others()
    path = written(theirs, tmp_path)
    monkeypatch.setattr(huggingface_hub, "hf_hub_download", lambda *_asked: str(path))
    network = build_network(settings(hub="owner/resnet18"))
    assert network.features.state_dict()["conv1.weight"].equal(theirs["conv1.weight"])
    record = network.weights.to_json()
    assert (record["source"], record["file"]) == ("hub", "owner/resnet18/model.safetensors")
    assert record["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.req("X-6.2")
def test_without_a_hub_the_weights_are_random_and_the_record_says_why(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def unreachable(*_asked: str) -> str:
        raise ConnectionError("no network")

    monkeypatch.setattr(huggingface_hub, "hf_hub_download", unreachable)
    record = build_network(settings(hub="owner/resnet18")).weights
    assert record.source == "random"
    assert "owner/resnet18 could not be fetched (ConnectionError)" in record.statement


def test_a_name_that_no_hub_has_is_refused() -> None:
    with pytest.raises(ModelLoadingError, match="no name of the hub"):
        build_network(settings(hub="../../etc"))


THEIR_NAMES: dict[str, Callable[[str], str]] = {
    "vgg16": lambda key: key,
    "densenet121": lambda key: key.replace(".layers.", "."),
    "efficientnet_b0": lambda key: key.removeprefix("body."),
    "mobilenet_v2": lambda key: "mobilenet_v2." + key.removeprefix("body."),
}


def test_older_names_of_dense_layers_are_understood() -> None:
    backbone = build_network(NetworkSettings("densenet121", head=())).features
    old = "features.denseblock1.denselayer1.norm.1.weight"
    assert backbone.translate(old) in backbone.state_dict()
