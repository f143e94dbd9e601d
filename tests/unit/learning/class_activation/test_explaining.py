"""Faithfulness of maps beside controls, and refusal where it would mean nothing."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy import special
from torch import nn

from deepmed.kit.seeds import derive, generator
from deepmed.learning.class_activation import (
    ClassScore,
    choose_baseline,
    class_activation_map,
    explain_class,
    reinitialised_network,
)
from deepmed.learning.class_activation.chance import random_curves
from deepmed.learning.class_activation.explaining import on_patches
from deepmed.learning.class_activation.scoring import class_logit, log_odds
from deepmed.learning.errors import SaliencyGenerationError
from deepmed.learning.evaluation import rank_correlation
from deepmed.learning.limits import LIKENESS
from deepmed.learning.saliency import SaliencyOverlayGenerator
from deepmed.learning.saliency.controls import pixel_hash
from deepmed.learning.saliency.faithfulness import Curves, insertion_deletion
from deepmed.learning.saliency.maps import patch_order

from .conftest import Finder


@pytest.mark.req("X-17.1")
@pytest.mark.req("V-4.1")
def test_true_maps_beat_random_and_sobel_beside_them(finder: Finder, blob: torch.Tensor) -> None:
    found = explain_class(finder, blob, methods=("grad_cam", "grad_cam_plus_plus", "occlusion"))
    assert found.reasons == {}
    assert found.faithfulness is not None
    scores = found.faithfulness.scores
    assert set(scores) == {"random", "sobel", "grad_cam", "grad_cam_plus_plus", "occlusion"}
    assert found.faithfulness.beats_controls("grad_cam")
    assert found.faithfulness.beats_controls("occlusion")
    stored = json.loads(json.dumps(found.faithfulness.to_dict()))
    assert stored["scores"] == pytest.approx(scores)


def test_the_curves_are_those_of_painting_by_hand(finder: Finder, blob: torch.Tensor) -> None:
    score = ClassScore(finder.eval(), blob, 1, temperature=2.0)
    found = explain_class(finder, blob, methods=["grad_cam"], temperature=2.0, steps=4)
    assert found.faithfulness is not None
    fill, reached = choose_baseline(score)
    assert (found.faithfulness.baseline, found.faithfulness.baseline_probability) == (
        fill.name,
        reached,
    )
    stream = derive(0, "patch-order", pixel_hash(score))  # of patches that are equal
    order = patch_order(on_patches(found.maps["grad_cam"].values, score), stream)[:64]
    picture = fill.pixels.clone()
    for patch in order:
        row, column = divmod(int(patch), 16)
        rows, columns = slice(2 * row, 2 * row + 2), slice(2 * column, 2 * column + 2)
        picture[..., rows, columns] = blob[..., rows, columns]
    curve = found.faithfulness.curves["grad_cam"].insertion
    with torch.no_grad():
        wanted = float(torch.sigmoid(finder(picture) / 2))
    assert curve[1] == pytest.approx(wanted, abs=1e-6)
    assert curve[0] == pytest.approx(reached)
    assert curve[-1] == pytest.approx(found.faithfulness.probability)


@pytest.mark.req("V-4.1")
def test_a_map_has_to_beat_every_one_of_many_orders_by_lot(
    finder: Finder, blob: torch.Tensor
) -> None:
    found = explain_class(finder, blob, methods=["grad_cam"]).faithfulness
    assert found is not None
    assert len(set(found.random_scores)) >= 19
    assert found.scores["random"] == max(found.random_scores)
    told = found.to_dict()
    assert told["random_range"] == [min(found.random_scores), max(found.random_scores)]
    assert told["random_orders"] == len(found.random_scores)
    # Better than most orders by lot, and than edges, is not enough.
    second = sorted(found.random_scores)[-2]
    ones = np.ones(3)
    made = {"near": Curves(second * ones, 0 * ones), "sobel": Curves(0 * ones, 0 * ones)}
    near = replace(found, curves=found.curves | made)
    assert near.scores["sobel"] < near.scores["near"] < near.scores["random"]
    assert not near.beats_controls("near")


def test_an_order_taken_backwards_has_the_curves_of_its_own_pictures(
    finder: Finder, blob: torch.Tensor
) -> None:
    score = ClassScore(finder.eval(), blob, 1)
    fill, _ = choose_baseline(score)
    found = random_curves(score, fill, steps=4)
    random = generator(0, "random-orders", pixel_hash(score))
    place = random.permuted(np.tile(np.arange(256), (10, 1)), axis=1)[3]
    for number, importance in ((3, -place), (13, place)):
        wanted = insertion_deletion(
            score,
            lambda scores: special.expit(-scores),
            fill,
            importance.reshape(16, 16).astype(float),
            steps=4,
        )
        assert found[number].insertion == pytest.approx(wanted.insertion, abs=1e-6)
        assert found[number].deletion == pytest.approx(wanted.deletion, abs=1e-6)


class Constant(nn.Module):
    """Says the same of every image, beside looking at it."""

    def __init__(self, logit: float) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 1, 3)
        self.logit = logit

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.logit + 1e-3 * self.conv(images).mean(dim=(1, 2, 3))


@pytest.mark.req("X-17.1")
def test_where_every_baseline_scores_like_the_image_the_reason_is_given(
    blob: torch.Tensor,
) -> None:
    found = explain_class(Constant(2.0), blob, methods=["grad_cam", "occlusion"])
    assert found.faithfulness is None
    assert "scores like the image itself" in found.reasons["faithfulness"]
    assert "blur" in found.reasons["faithfulness"]
    assert "noise" in found.reasons["faithfulness"]
    assert "occlusion" in found.reasons
    assert "occlusion" not in found.maps


class Channel(nn.Module):
    """Likes one thing: edges, or the mean brightness."""

    def __init__(self, *, edges: bool) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 1, 3, bias=False)
        self.edges = edges

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        if self.edges:
            return 40 * images.diff(dim=3).abs().mean(dim=(1, 2, 3)) - 2
        return 8 * images.mean(dim=(1, 2, 3)) - 4


@pytest.mark.req("X-17.1")
def test_another_baseline_is_taken_where_one_scores_like_the_image() -> None:
    stripes = torch.zeros(1, 1, 32, 32)
    stripes[..., ::2] = 1
    score = ClassScore(Channel(edges=True), stripes, 1)
    assert choose_baseline(score)[0].name == "blur"
    # A bright image stays bright when blurred, averaged or shuffled.
    with pytest.raises(SaliencyGenerationError, match="scores like the image itself"):
        choose_baseline(ClassScore(Channel(edges=False), stripes + 1, 1))
    wide = torch.zeros(1, 1, 32, 32)
    wide[..., 16:] = 1

    class Halves(nn.Module):
        def forward(self, images: torch.Tensor) -> torch.Tensor:
            gap = images[..., 16:].mean(dim=(1, 2, 3)) - images[..., :16].mean(dim=(1, 2, 3))
            return 12 * gap - 4

    # Blur keeps the two halves apart; the mean does not.
    assert choose_baseline(ClassScore(Halves(), wide, 1))[0].name == "mean"


@pytest.mark.req("V-4.1")
def test_a_map_changes_when_the_weights_are_random(blob: torch.Tensor) -> None:
    torch.manual_seed(3)
    network = nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 8, 3, padding=1), nn.ReLU(),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 1),
    )  # fmt: skip
    likeness = []
    for seed in range(12):
        picture = blob.roll((seed, 2 * seed), dims=(2, 3))
        maps = []
        for one in (network, reinitialised_network(network, seed)):
            try:
                maps.append(class_activation_map(one, picture).values.ravel())
            except SaliencyGenerationError:
                break
        if len(maps) == 2:
            likeness.append(rank_correlation(*maps))
    assert len(likeness) >= 4
    assert np.mean(likeness) < LIKENESS


def test_a_random_twin_has_no_weight_of_the_network(finder: Finder) -> None:
    twin, other = reinitialised_network(finder, 1), reinitialised_network(finder, 2)
    assert not bool((twin.conv.weight == finder.conv.weight).any())
    assert not bool((twin.conv.weight == other.conv.weight).any())
    assert torch.equal(twin.conv.weight, reinitialised_network(finder, 1).conv.weight)


def test_the_log_odds_are_those_of_the_probability() -> None:
    logits = torch.randn(5, 4, generator=torch.Generator().manual_seed(0))
    shares = special.softmax(logits.numpy() / 1.7, axis=1)
    for number in range(4):
        found = log_odds(logits, number, 1.7).numpy()
        assert special.expit(found) == pytest.approx(shares[:, number], abs=1e-6)
    moved = special.softmax(logits.numpy() / 1.7 + [0.5, 0, -0.5, 0], axis=1)
    found = log_odds(logits, 2, 1.7, (0.5, 0.0, -0.5, 0.0)).numpy()
    assert special.expit(found) == pytest.approx(moved[:, 2], abs=1e-6)
    assert log_odds(logits[:, 0], 0, 2.0, (3.0,)).numpy() == pytest.approx(
        -(logits[:, 0].numpy() / 2 + 3), abs=1e-6
    )
    single = logits[:, 0]
    assert log_odds(single, 0).tolist() == (-log_odds(single[:, None], 1)).tolist()
    assert class_logit(logits, 2).tolist() == logits[:, 2].tolist()


def test_pictures_of_any_sides_are_cut_into_equal_patches() -> None:
    for height, width, grid in ((28, 32, (14, 16)), (256, 224, (16, 16)), (20, 24, (10, 12))):
        assert ClassScore(nn.Flatten(), torch.zeros(1, 1, height, width), 0).grid == (*grid,)
    with pytest.raises(SaliencyGenerationError, match="side of 29"):
        _ = ClassScore(nn.Flatten(), torch.zeros(1, 1, 29, 28), 0).grid


def test_a_map_can_be_laid_over_its_picture(finder: Finder, blob: torch.Tensor) -> None:
    made = explain_class(finder, blob, methods=["grad_cam"]).maps["grad_cam"]
    picture = np.zeros((32, 32, 3), np.uint8)
    overlay = SaliencyOverlayGenerator().create_heatmap_overlay(picture, made)
    assert overlay.picture.shape[:2] == (32, 32)


def test_an_unknown_method_is_named(finder: Finder, blob: torch.Tensor) -> None:
    with pytest.raises(SaliencyGenerationError, match="'guess'"):
        explain_class(finder, blob, methods=["guess"])


def test_an_image_that_cannot_be_cut_into_patches_has_maps_without_measure(
    finder: Finder, blob: torch.Tensor
) -> None:
    found = explain_class(finder, blob[..., :29, :29], methods=["grad_cam"])
    assert "grad_cam" in found.maps
    assert found.faithfulness is None
    assert "29 pixels" in found.reasons["faithfulness"]


def test_without_measuring_only_what_replaces_patches_is_looked_for(
    finder: Finder, blob: torch.Tensor
) -> None:
    quick = explain_class(finder, blob, methods=["grad_cam"], measured=False)
    assert (quick.faithfulness, quick.reasons) == (None, {})
    both = explain_class(finder, blob, methods=["grad_cam"])
    assert np.array_equal(quick.maps["grad_cam"].values, both.maps["grad_cam"].values)
