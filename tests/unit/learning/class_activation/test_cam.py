"""Maps against their formulas written out, on networks that make it hard."""

import threading

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from deepmed.learning.class_activation import class_activation_map, last_convolution
from deepmed.learning.errors import SaliencyGenerationError
from deepmed.learning.networks import NetworkSettings, build_network

from .conftest import Finder


class Awkward(nn.Module):
    """Overwrites what its convolutions gave, in modules and in functions, and normalises."""

    def __init__(self, classes: int = 3) -> None:
        super().__init__()
        self.first = nn.Conv2d(1, 4, 3, padding=1)
        self.norm = nn.BatchNorm2d(4)
        self.act = nn.ReLU(inplace=True)
        self.last = nn.Conv2d(4, 6, 3, stride=2, padding=1)
        self.drop = nn.Dropout(0.5)
        self.head = nn.Linear(6, classes)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        maps = self.last(self.act(self.norm(self.first(images))))
        functional.relu(maps, inplace=True)
        means = maps.mean(dim=(2, 3))
        means += 0.1
        return self.head(self.drop(means))


def awkward(seed: int = 0, classes: int = 3) -> Awkward:
    torch.manual_seed(seed)
    return Awkward(classes)


def image(seed: int = 0, size: int = 16) -> torch.Tensor:
    return torch.randn(1, 1, size, size, generator=torch.Generator().manual_seed(seed))


def by_hand(network: Awkward, pixels: torch.Tensor, chosen: int) -> tuple[np.ndarray, np.ndarray]:
    """Feature maps and gradients of the score, without a hook."""
    network.eval()
    maps = network.last(functional.relu(network.norm(network.first(pixels)))).detach()
    maps.requires_grad_()
    score = network.head(functional.relu(maps).mean(dim=(2, 3)) + 0.1)[0, chosen]
    (gradient,) = torch.autograd.grad(score, maps)
    return maps.detach()[0].double().numpy(), gradient[0].double().numpy()


@pytest.mark.req("X-17.1")
def test_grad_cam_is_its_formula_also_where_activations_overwrite() -> None:
    network = awkward()
    maps, gradient = by_hand(network, image(), 2)
    wanted = np.maximum(np.einsum("k,khw->hw", gradient.mean(axis=(1, 2)), maps), 0)
    network.train()
    found = class_activation_map(network, image(), 2, "grad_cam")
    assert found.values == pytest.approx(wanted, abs=1e-6)
    assert found.layer == "last"


@pytest.mark.req("X-17.1")
def test_grad_cam_plus_plus_is_its_formula() -> None:
    network = awkward()
    maps, gradient = by_hand(network, image(), 1)
    weights = np.zeros(len(maps))
    for k, (feature, slope) in enumerate(zip(maps, gradient, strict=True)):
        for g in slope.ravel():
            below = 2 * g**2 + feature.sum() * g**3
            alpha = g**2 / below if below else 0.0
            weights[k] += alpha * max(g, 0.0)
    wanted = np.maximum(np.einsum("k,khw->hw", weights, maps), 0)
    found = class_activation_map(network, image(), 1, "grad_cam_plus_plus")
    assert found.values == pytest.approx(wanted, rel=1e-4, abs=1e-6)


@pytest.mark.req("X-17.1")
@pytest.mark.parametrize("name", ["resnet18", "vgg16_bn"])
@pytest.mark.parametrize("layers", [0, 2, None])
def test_frozen_and_partly_unfrozen_networks_have_the_maps_of_free_ones(
    name: str, layers: int | None
) -> None:
    torch.manual_seed(0)
    free = build_network(NetworkSettings(name, channels=1, stem="3x3", width=4, head=(8,)))
    pixels = image(1, 64)
    wanted = class_activation_map(free, pixels)
    torch.manual_seed(0)
    frozen = build_network(
        NetworkSettings(name, channels=1, stem="3x3", width=4, head=(8,), fine_tune_layers=layers)
    )
    assert class_activation_map(frozen, pixels).values == pytest.approx(wanted.values)
    for weight in frozen.parameters():
        weight.requires_grad_(requires_grad=False)
    assert class_activation_map(frozen, pixels).values == pytest.approx(wanted.values)


@pytest.mark.req("X-17.1")
def test_the_network_is_left_as_it_was() -> None:
    network = awkward().train()
    state = {name: value.clone() for name, value in network.state_dict().items()}
    class_activation_map(network, image())
    last_convolution(network, image())
    with pytest.raises(SaliencyGenerationError):
        class_activation_map(network, image(), layer="head")
    assert network.training
    assert not any(module._forward_hooks for module in network.modules())
    assert all(weight.grad is None for weight in network.parameters())
    after = network.state_dict()
    assert all(torch.equal(value, after[name]) for name, value in state.items())


@pytest.mark.req("X-17.1")
def test_many_threads_may_ask_one_network_at_once() -> None:
    network = awkward().eval()
    pictures = [image(seed) for seed in range(24)]
    wanted = [class_activation_map(network, one, seed % 3) for seed, one in enumerate(pictures)]
    logits = [network(one).detach() for one in pictures]
    failed: list[str] = []

    def ask(start: int) -> None:
        for seed in range(start, 24, 4):
            found = class_activation_map(network, pictures[seed], seed % 3)
            if not np.array_equal(found.values, wanted[seed].values):
                failed.append(f"map {seed}")
            if not torch.equal(network(pictures[seed]), logits[seed]):
                failed.append(f"logit {seed}")

    threads = [threading.Thread(target=ask, args=(start,)) for start in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed


@pytest.mark.req("X-17.1")
def test_a_map_that_is_the_same_everywhere_is_refused(finder: Finder) -> None:
    with pytest.raises(SaliencyGenerationError, match="the same everywhere"):
        class_activation_map(finder, torch.zeros(1, 1, 32, 32))
    nn.init.zeros_(finder.head.weight)
    with pytest.raises(SaliencyGenerationError, match="the same everywhere"):
        class_activation_map(finder, image())
    nn.init.constant_(finder.head.weight, float("nan"))
    with pytest.raises(SaliencyGenerationError, match="not finite"):
        class_activation_map(finder, image())


def test_the_map_is_where_the_finding_is(finder: Finder, blob: torch.Tensor) -> None:
    values = class_activation_map(finder, blob).values
    inside = values[4:12, 4:12].sum()
    assert inside > 0.8 * values.sum()
    against = class_activation_map(finder, -blob, 0).values
    assert against[4:12, 4:12].sum() > 0.8 * against.sum()


def test_pictures_made_for_inference_alone_can_be_explained(finder: Finder) -> None:
    with torch.inference_mode():
        made = image() * 2
        found = class_activation_map(finder, made)
    with torch.no_grad():
        same = class_activation_map(finder, image() * 2)
    assert found.values == pytest.approx(same.values)


class Backwards(nn.Module):
    """Written in another order than it is passed, with an aside that leads nowhere."""

    def __init__(self) -> None:
        super().__init__()
        self.final = nn.Conv2d(2, 2, 3, padding=1)
        self.begin = nn.Conv2d(1, 2, 3, padding=1)
        self.aside = nn.Conv2d(2, 2, 1)
        self.unused = nn.Conv2d(2, 2, 1)
        self.head = nn.Linear(2, 1)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        maps = self.begin(images)
        self.aside(maps)
        return self.head(self.final(maps).mean(dim=(2, 3)))


def test_the_last_convolution_is_the_last_that_images_pass() -> None:
    assert last_convolution(Backwards(), image()) == "final"
    residual = build_network(NetworkSettings("resnet18", channels=1, width=4, head=(8,)))
    assert last_convolution(residual, image(0, 64)) == "features"
    rectified = nn.Sequential(
        nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten()
    )
    assert last_convolution(rectified, image()) == "2"
    with pytest.raises(SaliencyGenerationError, match="more than one place"):
        last_convolution(nn.Sequential(nn.Flatten(), nn.Linear(256, 1)), image())


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"layer": "nowhere"}, "no layer 'nowhere'"),
        ({"layer": "head"}, "no feature maps"),
        ({"layer": "aside"}, "does not depend"),
        ({"layer": "unused"}, "does not depend"),
        ({"class_index": 2}, "no class 2"),
        ({"method": "guess"}, "no map by the method 'guess'"),
    ],
)
def test_what_cannot_be_explained_says_why(wrong: dict[str, str], reason: str) -> None:
    with pytest.raises(SaliencyGenerationError, match=reason):
        class_activation_map(Backwards(), image(), **wrong)


def test_a_map_explains_one_image() -> None:
    with pytest.raises(SaliencyGenerationError, match="one image of shape"):
        class_activation_map(Backwards(), torch.zeros(2, 1, 8, 8))
