"""On real chest X-rays: which other pictures are refused, and how faithful maps are."""

import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.lib import format as array_format
from PIL import Image
from sklearn.datasets import load_sample_images
from torch import nn

from deepmed.learning.class_activation import explain_class
from deepmed.learning.evaluation.binary import OperatingPoint, evaluate_binary
from deepmed.learning.novelty import NoveltyGate, deciding_features

FILE = Path(__file__).parents[5] / "shared" / "data" / "xray" / "pneumoniamnist.npz"
pytestmark = pytest.mark.skipif(not FILE.exists(), reason=f"{FILE.name} is not here")
Arrays = dict[str, np.ndarray]


def as_tensor(planes: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(planes.astype(np.float32))[:, None] / 127.5 - 1


def as_pictures(planes: np.ndarray) -> list[np.ndarray]:
    return [np.repeat(plane[..., None], 3, axis=2) for plane in planes]


@pytest.fixture(scope="module")
def chests() -> Arrays:
    with zipfile.ZipFile(FILE) as archive:
        return {
            name.removesuffix(".npy"): array_format.read_array(archive.open(name))
            for name in archive.namelist()
        }


@pytest.fixture(scope="module")
def network(chests: Arrays) -> nn.Module:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    made = nn.Sequential(
        nn.Conv2d(1, 12, 3, 2, 1), nn.BatchNorm2d(12), nn.ReLU(),
        nn.Conv2d(12, 24, 3, 1, 1), nn.BatchNorm2d(24), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(24, 48, 3, 1, 1), nn.BatchNorm2d(48), nn.ReLU(),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(48, 1),
    )  # fmt: skip
    images = as_tensor(chests["train_images"])
    labels = torch.from_numpy(chests["train_labels"][:, 0].astype(np.float32))
    optimizer = torch.optim.AdamW(made.parameters(), 3e-3)
    for batch in torch.randperm(len(images))[:4096].split(64):
        loss = nn.functional.binary_cross_entropy_with_logits(
            made(images[batch])[:, 0], labels[batch]
        )
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    torch.set_num_threads(threads)
    return made.eval()


@pytest.fixture(scope="module")
def gate(chests: Arrays, network: nn.Module) -> NoveltyGate:
    train = slice(0, 1200)
    return NoveltyGate.fit(
        deciding_features(network, [as_tensor(chests["train_images"][train])]),
        as_pictures(chests["train_images"][train]),
        chests["train_labels"][train, 0],
        deciding_features(network, [as_tensor(chests["val_images"])]),
        as_pictures(chests["val_images"]),
        patients=range(len(chests["val_images"])),
    )


def flagged(gate: NoveltyGate, network: nn.Module, planes: np.ndarray) -> float:
    features = deciding_features(network, [as_tensor(planes)])
    pairs = zip(features, as_pictures(planes), strict=True)
    return float(np.mean([gate.judge(row, picture).flagged for row, picture in pairs]))


def photographs(n: int) -> np.ndarray:
    random = np.random.default_rng(0)
    found = []
    for number in range(n):
        whole = load_sample_images().images[number % 2]
        side = int(random.integers(120, 420))
        top, left = (int(random.integers(0, edge - side + 1)) for edge in whole.shape[:2])
        part = Image.fromarray(whole[top : top + side, left : left + side]).convert("L")
        found.append(np.asarray(part.resize((28, 28), Image.Resampling.BILINEAR)))
    return np.stack(found)


@pytest.mark.req("X-17.1")
def test_what_is_no_chest_x_ray_is_refused(
    gate: NoveltyGate, network: nn.Module, chests: Arrays
) -> None:
    random = np.random.default_rng(0)
    strokes = np.full((20, 28, 28), 255, np.uint8)
    for number, sheet in enumerate(strokes):
        at = 4 + number
        sheet[at, 3:25], sheet[3:25, at], sheet[range(3, 25), range(3, 25)] = 0, 0, 40
    assert gate.percentile == 99.0
    assert flagged(gate, network, photographs(30)) == 1.0  # without their colours
    assert flagged(gate, network, random.integers(0, 256, (20, 28, 28)).astype(np.uint8)) == 1.0
    assert flagged(gate, network, strokes) == 1.0
    assert flagged(gate, network, 255 - chests["test_images"][:60]) > 0.95
    # The published test part is of other children and another year: a little stranger.
    assert flagged(gate, network, chests["test_images"][:200]) < 0.06


@pytest.mark.req("X-17.1")
def test_maps_of_real_images_are_measured_beside_random_and_sobel(
    network: nn.Module, chests: Arrays
) -> None:
    images = as_tensor(chests["test_images"][:12])
    measured = 0
    for image in images.split(1):
        found = explain_class(network, image, int(network(image)[0, 0] > 0))
        if found.faithfulness is None:
            assert "scores like the image itself" in found.reasons["faithfulness"]
        else:
            measured += 1
            assert set(found.faithfulness.scores) == {"random", "sobel", *found.maps}
    assert measured >= 4


def test_the_figures_of_a_tiny_network_have_intervals(network: nn.Module, chests: Arrays) -> None:
    with torch.no_grad():
        validation, test = (
            network(as_tensor(chests[name]))[:, 0].numpy() for name in ("val_images", "test_images")
        )
    point = OperatingPoint.fit(validation, chests["val_labels"][:, 0], range(len(validation)))
    assert point.threshold is not None
    report = evaluate_binary(
        chests["test_labels"][:, 0], point.probabilities(test), range(len(test)), point.threshold,
        resamples=200,
    )  # fmt: skip
    assert report["auroc"].wholly_above(0.8)
    assert report["ece"].high < 0.3
