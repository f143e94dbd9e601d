"""Whether maps of classes are about the network at all: they must change with its weights (V-4).

Source: Adebayo et al., Sanity checks for saliency maps, NeurIPS 2018. Weights are drawn by lot from
the head down: those of the last parts alone, and all of them.
"""

import copy
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from torch import nn

from deepmed.kit.seeds import derive
from deepmed.learning.class_activation.baselines import choose_baseline
from deepmed.learning.class_activation.cam import METHODS, ActivationMap, class_activation_maps
from deepmed.learning.class_activation.explaining import OCCLUSION, draw_weights
from deepmed.learning.class_activation.observing import last_convolution, observable
from deepmed.learning.class_activation.scoring import ClassScore
from deepmed.learning.errors import SaliencyGenerationError
from deepmed.learning.evaluation import mean_interval, rank_correlation
from deepmed.learning.saliency.fills import Fill
from deepmed.learning.saliency.occlusion import occlusion
from deepmed.learning.saliency.randomisation import RandomisationCheck
from deepmed.learning.saliency.score import FloatArray

WHOLE = "all"
"""The depth at which every weight is drawn by lot."""
DRAWS = 5
"""How often a network of random weights is drawn whose map says nothing, before it counts."""
LEAST_PATIENTS = 5
"""Fewer have no interval."""
WANTED: Mapping[str, int] = {**dict.fromkeys(METHODS, 30), OCCLUSION: 8}
"""Maps by method: occlusion asks the network once a patch, the others once."""
_SIDE = 8
"""Patches along a side at most, of occlusion."""
_TRIES = 2
"""Images that are looked at, for each map that is wanted."""


@dataclass(frozen=True, eq=False)
class Explained:
    """An image and the class whose map is made.

    Attributes:
        pixels: (1, C, H, W), as the network sees it.
        class_index: the class.
        patient: whose image it is.

    Example:
        >>> Explained(torch.zeros(1, 1, 8, 8), 1, "p").class_index
        1
    """

    pixels: torch.Tensor
    class_index: int
    patient: Hashable


def check_class_maps(
    network: nn.Module,
    images: Sequence[Explained],
    depths: Mapping[str, Sequence[str]],
    *,
    wanted: Mapping[str, int] = WANTED,
    temperature: float = 1.0,
    offsets: Sequence[float] = (),
    seed: int = 0,
) -> dict[str, dict[str, RandomisationCheck]]:
    """Compare maps of a network with those of the same one after weights were drawn by lot.

    Each image has networks of its own, so that the mean is over what weights may happen to be, and
    not over images alone. A map that is the same everywhere is no map: the network is drawn anew,
    and where none gives one, the image counts as if nothing had changed.

    Args:
        network: from (B, C, H, W) to one logit, or one a class; it stays as it is.
        images: looked at in this order, until there are enough maps.
        depths: by name, the modules whose weights are drawn by lot, with all inside of them; `all`
            is added.
        wanted: by method, how many maps are enough.
        temperature: of the model's calibration.
        offsets: likewise; none if empty.
        seed: of the weights.

    Returns:
        By method and depth; a method that has no map of any image is left out.

    Example:
        >>> _ = torch.manual_seed(0)
        >>> network = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1),
        ...                         nn.Flatten(), nn.Linear(4, 1))
        >>> images = [Explained(torch.rand(1, 1, 8, 8), 1, number) for number in range(4)]
        >>> found = check_class_maps(network, images, {"head": ["4"]}, wanted={"grad_cam": 3})
        >>> list(found["grad_cam"])
        ['head', 'all']
    """
    named = {**depths, WHOLE: ("",)}
    twins = {depth: copy.deepcopy(network).eval() for depth in named}
    told = {method: _Told() for method in wanted}
    own = observable(network)
    layer = _layer(own, images)
    for number, image in enumerate(images):
        missing = [method for method, most in wanted.items() if told[method].needs(most, number)]
        if not missing:
            break
        score = ClassScore(own, image.pixels, image.class_index, temperature, offsets)
        way = _Way.of(_coarser(score), layer, missing)
        before = way.maps_by(own, missing)
        for depth, twin in twins.items():
            lot = derive(seed, "randomising", depth, number)
            for method, likeness in _likenesses(twin, way, before, named[depth], lot).items():
                told[method].add(depth, image.patient, likeness)
    return {method: one.checks(seed) for method, one in told.items() if one.patients}


def _layer(network: nn.Module, images: Sequence[Explained]) -> str | None:
    """Whose output is looked at; None where there is none, so that no gradient says anything."""
    try:
        return last_convolution(network, images[0].pixels) if images else None
    except SaliencyGenerationError:
        return None


def _coarser(score: ClassScore) -> ClassScore:
    """With as few patches as make a map, where the sides can be cut so."""
    fewer = replace(score, most_patches=_SIDE)
    try:
        return fewer if fewer.grid else score
    except SaliencyGenerationError:
        return score


@dataclass
class _Told:
    """What is known of a method so far."""

    patients: dict[str, list[Hashable]] = field(default_factory=dict)
    correlations: dict[str, list[float]] = field(default_factory=dict)

    def needs(self, most: int, looked_at: int) -> bool:
        have = max(map(len, self.correlations.values()), default=0)
        return have < most and looked_at < _TRIES * most

    def add(self, depth: str, patient: Hashable, likeness: float) -> None:
        self.patients.setdefault(depth, []).append(patient)
        self.correlations.setdefault(depth, []).append(likeness)

    def checks(self, seed: int) -> dict[str, RandomisationCheck]:
        return {
            depth: _checked(found, self.patients[depth], seed)
            for depth, found in self.correlations.items()
        }


@dataclass(frozen=True, eq=False)
class _Way:
    """How maps of one image are made: the same way by every network of the same shape."""

    score: ClassScore
    layer: str | None
    fill: Fill | None

    @classmethod
    def of(cls, score: ClassScore, layer: str | None, methods: Sequence[str]) -> "_Way":
        try:
            fill = choose_baseline(score)[0] if OCCLUSION in methods else None
        except SaliencyGenerationError:
            fill = None
        return cls(score, layer, fill)

    def maps_by(self, network: nn.Module, methods: Sequence[str]) -> dict[str, FloatArray]:
        """Those that can be made and say something."""
        found: dict[str, FloatArray] = {}
        for make in (self._by_gradients, self._by_occlusion):
            try:
                found |= make(network, methods)
            except SaliencyGenerationError:
                continue
        return {method: values for method, values in found.items() if np.ptp(values) > 0}

    def _by_gradients(self, network: nn.Module, methods: Sequence[str]) -> dict[str, FloatArray]:
        wanted = [method for method in methods if method in METHODS]
        if not wanted or self.layer is None:
            return {}
        pixels, number = self.score.pixels, self.score.class_index
        made = class_activation_maps(network, pixels, number, wanted, self.layer)
        return {name: one.values for name, one in made.items() if isinstance(one, ActivationMap)}

    def _by_occlusion(self, network: nn.Module, methods: Sequence[str]) -> dict[str, FloatArray]:
        if OCCLUSION not in methods or self.fill is None:
            return {}
        return {OCCLUSION: occlusion(replace(self.score, network=network), self.fill)}


def _likenesses(
    twin: nn.Module,
    way: _Way,
    before: Mapping[str, FloatArray],
    parts: Sequence[str],
    seed: int,
) -> dict[str, float]:
    """By method, how alike the map stays when the weights of these parts are others."""
    found: dict[str, float] = {}
    for draw in range(DRAWS):
        missing = [method for method in before if method not in found]
        if not missing:
            break
        draw_weights(twin, derive(seed, "draw", draw), parts)
        for method, values in way.maps_by(twin, missing).items():
            found[method] = rank_correlation(before[method].ravel(), values.ravel())
    return {method: found.get(method, 1.0) for method in before}


def _checked(
    correlations: Sequence[float], patients: Sequence[Hashable], seed: int
) -> RandomisationCheck:
    enough = len(set(patients)) >= LEAST_PATIENTS
    mean = mean_interval(correlations, patients, seed) if enough else None
    return RandomisationCheck(tuple(correlations), mean)
