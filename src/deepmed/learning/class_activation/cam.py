"""Which places of a convolution's output a class's score rests on: Grad-CAM and Grad-CAM++."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from deepmed.learning.class_activation.observing import (
    last_convolution,
    named_layer,
    observable,
    on_output,
)
from deepmed.learning.class_activation.scoring import class_logit
from deepmed.learning.errors import SaliencyGenerationError
from deepmed.learning.saliency.score import FloatArray

Weigher = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]


def mean_gradient(_maps: torch.Tensor, gradient: torch.Tensor) -> torch.Tensor:
    """How much each feature map counts: the mean of its gradient.

    Source: Selvaraju et al., Grad-CAM, ICCV 2017.

    Args:
        gradient: (K, h, w) of the score by each place of each feature map.

    Returns:
        (K,).

    Example:
        >>> mean_gradient(torch.ones(1, 2, 2), torch.ones(1, 2, 2)).tolist()
        [1.0]
    """
    return gradient.mean(dim=(1, 2))


def positive_gradient(maps: torch.Tensor, gradient: torch.Tensor) -> torch.Tensor:
    """How much each feature map counts: what raises the score, each occurrence of it for itself.

    Source: Chattopadhyay et al., Grad-CAM++, WACV 2018, equations 7 and 19 (the score under an
    exponential, so that its higher derivatives are powers of the first).

    Args:
        maps: (K, h, w) feature maps.
        gradient: (K, h, w) of the score by each place of each.

    Returns:
        (K,).

    Example:
        >>> positive_gradient(torch.zeros(1, 1, 2), torch.tensor([[[2.0, -1.0]]])).tolist()
        [1.0]
    """
    square = gradient**2
    below = 2 * square + maps.sum(dim=(1, 2), keepdim=True) * square * gradient
    share = torch.where(square > 0, square / torch.where(below != 0, below, 1.0), 0.0)
    return (share * functional.relu(gradient)).sum(dim=(1, 2))


METHODS: dict[str, Weigher] = {
    "grad_cam": mean_gradient,
    "grad_cam_plus_plus": positive_gradient,
}


@dataclass(frozen=True, eq=False)
class ActivationMap:
    """What a class's score rests on, by place.

    Attributes:
        values: (h, w) float64, not negative.
        method: `grad_cam` or `grad_cam_plus_plus`.
        layer: name of the convolution.
        score: the class's logit.

    Example:
        >>> ActivationMap(np.zeros((2, 2)), "grad_cam", "features", 0.0).values.shape
        (2, 2)
    """

    values: FloatArray
    method: str
    layer: str
    score: float


def class_activation_map(
    network: nn.Module,
    image: torch.Tensor,
    class_index: int = 1,
    method: str = "grad_cam",
    layer: str | None = None,
) -> ActivationMap:
    """The map of one image and one class.

    The gradient is taken from the layer on, so frozen layers before it, or after it, do not matter,
    nor does anything that works in place. The network is not changed; many threads may ask at once.

    Args:
        network: from (B, C, H, W) to one logit, (B,) or (B, 1), or one logit a class, (B, classes).
        image: (1, C, H, W).
        class_index: of the class to explain; of one logit, 1 is its class and 0 the other one.
        method: `grad_cam` or `grad_cam_plus_plus`.
        layer: whose output is looked at; None for the last convolution, see `last_convolution`.

    Raises:
        SaliencyGenerationError: unknown method, layer or class; the output of the layer has no
            places; the score does not depend on it; or the map is the same everywhere or not
            finite, so that it would say nothing.

    Example:
        >>> _ = torch.manual_seed(0)
        >>> network = nn.Sequential(nn.Conv2d(1, 4, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
        ...                         nn.Linear(4, 2))
        >>> found = class_activation_map(network, torch.rand(1, 1, 8, 8), 0)
        >>> found.values.shape, found.layer, len(network[0]._forward_hooks)
        ((6, 6), '0', 0)
    """
    made = class_activation_maps(network, image, class_index, (method,), layer)[method]
    if isinstance(made, SaliencyGenerationError):
        raise made
    return made


def class_activation_maps(
    network: nn.Module,
    image: torch.Tensor,
    class_index: int = 1,
    methods: Sequence[str] = ("grad_cam", "grad_cam_plus_plus"),
    layer: str | None = None,
) -> dict[str, ActivationMap | SaliencyGenerationError]:
    """The maps by several methods, for the price of one.

    Args:
        network: as of `class_activation_map`.
        image: likewise.
        class_index: likewise.
        methods: whose maps are made.
        layer: likewise.

    Returns:
        By method; where a map would say nothing, the reason stands in its place.

    Raises:
        SaliencyGenerationError: as of `class_activation_map`, where it is not about the map itself.

    Example:
        >>> _ = torch.manual_seed(0)
        >>> network = nn.Sequential(nn.Conv2d(1, 4, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
        ...                         nn.Linear(4, 2))
        >>> list(class_activation_maps(network, torch.rand(1, 1, 8, 8), 0))
        ['grad_cam', 'grad_cam_plus_plus']
    """
    ways = {method: _method(method) for method in methods}
    # Images that were made for inference alone take no part in gradients; a copy does.
    with torch.inference_mode(mode=False), torch.enable_grad():
        pixels = _one(image).detach().clone().to(_place_of(network, image))
        name = last_convolution(network, pixels) if layer is None else layer
        twin, kept = observable(network), _Kept()
        on_output(named_layer(twin, name), kept.watch)
        score = class_logit(twin(pixels), class_index)[0]
        maps, gradient = kept.gradient_of(score, name)
    found: dict[str, ActivationMap | SaliencyGenerationError] = {}
    for method, weigh in ways.items():
        weights = weigh(maps, gradient)
        places = functional.relu((weights[:, None, None] * maps).sum(dim=0))
        values = places.double().cpu().numpy()
        why_not = _why_unusable(values, method, name)
        made = ActivationMap(values, method, name, float(score.detach()))
        found[method] = SaliencyGenerationError(why_not) if why_not else made
    return found


class _Kept:
    """The output of a layer as the point from which gradients are taken."""

    def __init__(self) -> None:
        self.leaf: torch.Tensor | None = None

    def watch(self, _of: nn.Module, output: torch.Tensor) -> torch.Tensor:
        if not isinstance(output, torch.Tensor) or output.ndim != 4:
            raise SaliencyGenerationError(
                "The layer gives no feature maps with height and width. No map was made. Name a "
                "convolution."
            )
        self.leaf = output.detach().requires_grad_()
        # What comes next may work in place: it gets a copy, and the leaf stays what it is.
        return self.leaf.clone()

    def gradient_of(self, score: torch.Tensor, name: str) -> tuple[torch.Tensor, torch.Tensor]:
        gradient = None
        if self.leaf is not None and score.requires_grad:
            (gradient,) = torch.autograd.grad(score, self.leaf, allow_unused=True)
        if self.leaf is None or gradient is None:
            raise SaliencyGenerationError(
                f"The score does not depend on the layer {name!r}. No map was made. Leave the name "
                "out for the last convolution."
            )
        return self.leaf.detach()[0], gradient[0]


def _method(name: str) -> Weigher:
    if name not in METHODS:
        raise SaliencyGenerationError(
            f"There is no map by the method {name!r}; there are: {', '.join(METHODS)}."
        )
    return METHODS[name]


def _one(image: torch.Tensor) -> torch.Tensor:
    if image.ndim != 4 or len(image) != 1:
        raise SaliencyGenerationError(
            f"A map explains one image of shape (1, C, H, W), not {tuple(image.shape)}."
        )
    return image


def _place_of(network: nn.Module, image: torch.Tensor) -> torch.device:
    return next((weight.device for weight in network.parameters()), image.device)


def _why_unusable(values: FloatArray, method: str, layer: str) -> str | None:
    if not np.isfinite(values).all():
        return (
            f"The map by {method!r} holds numbers that are not finite. It was not kept. Check the "
            "model's weights."
        )
    if np.ptp(values) <= np.finfo(np.float32).eps * np.abs(values).max(initial=0.0):
        return (
            f"The map by {method!r} of the layer {layer!r} is the same everywhere: nothing there "
            "raises the score of this class, or everything alike. It was not kept. Use occlusion."
        )
    return None
