"""Maps of one image, and how faithful they are beside maps that know nothing (X-17, V-4)."""

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from scipy import special
from torch import nn
from torch.nn import functional

from deepmed.kit.seeds import derive
from deepmed.learning.class_activation.baselines import Baseline, choose_baseline
from deepmed.learning.class_activation.cam import METHODS, class_activation_map
from deepmed.learning.class_activation.chance import random_curves
from deepmed.learning.class_activation.observing import observable
from deepmed.learning.class_activation.scoring import ClassScore
from deepmed.learning.errors import SaliencyGenerationError
from deepmed.learning.saliency.controls import pixel_hash, sobel_map
from deepmed.learning.saliency.faithfulness import Curves, insertion_deletion
from deepmed.learning.saliency.maps import Frame, SaliencyMap
from deepmed.learning.saliency.occlusion import occlusion
from deepmed.learning.saliency.score import FloatArray, patch_sums

OCCLUSION = "occlusion"
CONTROLS = ("random", "sobel")
ALL_METHODS = (*METHODS, OCCLUSION)
STEPS = 8
"""Of each curve: orders by lot stand beside the map, and each takes its time."""


@dataclass(frozen=True, eq=False)
class ClassFaithfulness:
    """Insertion and deletion curves of one image's maps, beside those of controls.

    Attributes:
        probability: of the class, of the image itself.
        baseline: what stood in missing patches.
        baseline_probability: of a picture full of it.
        curves: by method, on the probability of the class; `random`, the best of many random
            orders, and `sobel` are always there.
        random_scores: insertion less deletion of every random order.

    Example:
        >>> ClassFaithfulness(0.9, "blur", 0.1, {}).to_dict()["scores"]
        {}
    """

    probability: float
    baseline: str
    baseline_probability: float
    curves: dict[str, Curves]
    random_scores: tuple[float, ...] = ()

    @property
    def scores(self) -> dict[str, float]:
        """Insertion less deletion by method; a map that tells something beats both controls."""
        return {method: curves.score for method, curves in self.curves.items()}

    def beats_controls(self, method: str) -> bool:
        """Whether a map does better than the best of the random orders, and than edges.

        Example:
            >>> good, bad = Curves(np.ones(3), np.zeros(3)), Curves(np.zeros(3), np.ones(3))
            >>> curves = {"grad_cam": good, "random": bad, "sobel": bad}
            >>> ClassFaithfulness(0.9, "blur", 0.1, curves).beats_controls("grad_cam")
            True
        """
        return all(self.scores[method] > self.scores[control] for control in CONTROLS)

    def to_dict(self) -> dict[str, Any]:
        """All of it, ready for JSON."""
        return {
            "probability": self.probability,
            "baseline": self.baseline,
            "baseline_probability": self.baseline_probability,
            "scores": self.scores,
            "random_orders": len(self.random_scores),
            "random_range": [min(self.random_scores), max(self.random_scores)]
            if self.random_scores
            else None,
            "curves": {
                method: {"insertion": one.insertion.tolist(), "deletion": one.deletion.tolist()}
                for method, one in self.curves.items()
            },
        }


@dataclass(frozen=True, eq=False)
class ClassExplanation:
    """An image's maps with what is known of them.

    Attributes:
        maps: by method, those that could be made.
        faithfulness: None where it cannot be measured.
        reasons: by method, or `faithfulness`, why something is missing.

    Example:
        >>> ClassExplanation({}, None, {"faithfulness": "..."}).maps
        {}
    """

    maps: dict[str, SaliencyMap]
    faithfulness: ClassFaithfulness | None
    reasons: dict[str, str]


def explain_class(
    network: nn.Module,
    image: torch.Tensor,
    class_index: int = 1,
    *,
    methods: Sequence[str] = ("grad_cam", "grad_cam_plus_plus"),
    layer: str | None = None,
    temperature: float = 1.0,
    offsets: Sequence[float] = (),
    seed: int = 0,
    steps: int = STEPS,
    measured: bool = True,
) -> ClassExplanation:
    """Make an image's maps and measure them.

    Args:
        network: from (B, C, H, W) to one logit, or one a class; it stays as it is.
        image: (1, C, H, W), as the network sees it.
        class_index: of the class to explain.
        methods: `grad_cam`, `grad_cam_plus_plus` or `occlusion`.
        layer: of the first two; None for the last convolution.
        temperature: of the model's calibration.
        offsets: likewise; none if empty.
        seed: of the controls.
        steps: of the curves.
        measured: without it there are no curves, which take most of the time; what replaces
            patches is chosen all the same, and `reasons` says where nothing can.

    Returns:
        What could be made. A method that says nothing of this image, and curves that would say
        nothing, are left out with the reason.

    Raises:
        SaliencyGenerationError: a method is unknown.

    Example:
        >>> _ = torch.manual_seed(0)
        >>> network = nn.Sequential(nn.Conv2d(1, 4, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
        ...                         nn.Linear(4, 1))
        >>> found = explain_class(network, torch.rand(1, 1, 8, 8), methods=["grad_cam"])
        >>> found.maps["grad_cam"].values.shape
        (6, 6)
    """
    if unknown := set(methods) - set(ALL_METHODS):
        raise SaliencyGenerationError(
            f"There is no map by the method {min(unknown)!r}; there are: {', '.join(ALL_METHODS)}."
        )
    pixels = image.detach().to(_device(network, image))
    score = ClassScore(observable(network), pixels, class_index, temperature, offsets)
    chosen, reasons = _baseline(score, seed)
    maps: dict[str, SaliencyMap] = {}
    for method in methods:
        try:
            maps[method] = _map(network, score, method, layer, chosen)
        except SaliencyGenerationError as error:
            reasons[method] = str(error)
    if chosen is None or not measured:
        return ClassExplanation(maps, None, reasons)
    try:
        return ClassExplanation(maps, _measured(score, maps, chosen, seed, steps), reasons)
    except SaliencyGenerationError as error:
        return ClassExplanation(maps, None, reasons | {"faithfulness": str(error)})


def on_patches(values: FloatArray, score: ClassScore) -> FloatArray:
    """A map of any size on the patches that are taken away.

    Args:
        values: (h, w).
        score: around the image.

    Returns:
        The score's grid: means of the map, drawn out linearly over the image.

    Example:
        >>> image = torch.zeros(1, 1, 8, 8)
        >>> on_patches(np.ones((2, 2)), ClassScore(nn.Flatten(), image, 0)).shape
        (8, 8)
    """
    wide = functional.interpolate(
        torch.from_numpy(np.ascontiguousarray(values))[None, None],
        size=tuple(score.pixels.shape[-2:]),
        mode="bilinear",
        align_corners=False,
    )
    return patch_sums(wide, score.grid)


def reinitialised_network(network: nn.Module, seed: int, parts: Sequence[str] = ("",)) -> nn.Module:
    """The same architecture with random weights: what a map must not look alike for (V-4).

    Args:
        network: stays as it is.
        seed: of the weights.
        parts: names of the modules whose weights are drawn, with all inside of them; the empty
            name is the whole network.

    Returns:
        A copy in evaluation mode, every layer of these parts initialised anew.

    Example:
        >>> network = nn.Sequential(nn.Conv2d(1, 2, 3), nn.Conv2d(2, 1, 3))
        >>> twin = reinitialised_network(network, 1, ["1"])
        >>> bool((twin[0].weight == network[0].weight).all())
        True
        >>> bool((twin[1].weight == network[1].weight).any())
        False
    """
    fresh = copy.deepcopy(network)
    draw_weights(fresh, seed, parts)
    return fresh.eval()


def draw_weights(network: nn.Module, seed: int, parts: Sequence[str] = ("",)) -> None:
    """Initialise a network's layers anew, in place.

    Args:
        network: is changed.
        seed: of the weights.
        parts: as of `reinitialised_network`.

    Example:
        >>> network, other = nn.Conv2d(1, 2, 3), nn.Conv2d(1, 2, 3)
        >>> draw_weights(network, 1)
        >>> draw_weights(other, 1)
        >>> bool((network.weight == other.weight).all())
        True
    """
    drawn = [module for part in parts for module in network.get_submodule(part).modules()]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(derive(seed, "reinitialised-network"))
        for module in dict.fromkeys(drawn):
            reset = getattr(module, "reset_parameters", None)
            if callable(reset):
                reset()


def _baseline(score: ClassScore, seed: int) -> tuple[Baseline | None, dict[str, str]]:
    try:
        return choose_baseline(score, seed), {}
    except SaliencyGenerationError as error:
        return None, {"faithfulness": str(error)}


def _map(
    network: nn.Module, score: ClassScore, method: str, layer: str | None, baseline: Baseline | None
) -> SaliencyMap:
    height, width = score.pixels.shape[-2:]
    frame: Frame = (0, 0, width, height)
    if method != OCCLUSION:
        made = class_activation_map(network, score.pixels, score.class_index, method, layer)
        return SaliencyMap(made.values, method, made.score, made.layer, "none", frame)
    if baseline is None:
        raise SaliencyGenerationError(
            "What replaces a patch scores like the image itself, so nothing follows from it."
        )
    fill, _ = baseline
    values = occlusion(score, fill)
    own = float(score.scores(score.pixels)[0])
    return SaliencyMap(values, method, own, "pixels", fill.name, frame)


def _measured(
    score: ClassScore,
    maps: dict[str, SaliencyMap],
    baseline: Baseline,
    seed: int,
    steps: int,
) -> ClassFaithfulness:
    values = {"sobel": sobel_map(score)}
    values |= {method: on_patches(made.values, score) for method, made in maps.items()}
    fill, reached = baseline
    chance = random_curves(score, fill, steps=steps, seed=seed)
    (own,) = score.probabilities(score.pixels).tolist()
    stream = derive(seed, "patch-order", pixel_hash(score))
    return ClassFaithfulness(
        probability=own,
        baseline=fill.name,
        baseline_probability=reached,
        curves={"random": max(chance, key=lambda one: one.score)}
        | {
            method: insertion_deletion(score, _improbability, fill, grid, steps=steps, seed=stream)
            for method, grid in values.items()
        },
        random_scores=tuple(one.score for one in chance),
    )


def _improbability(scores: FloatArray) -> FloatArray:
    """Curves are on one less of this: on the probability of the class."""
    found: FloatArray = special.expit(-scores)
    return found


def _device(network: nn.Module, image: torch.Tensor) -> torch.device:
    return next((weight.device for weight in network.parameters()), image.device)
