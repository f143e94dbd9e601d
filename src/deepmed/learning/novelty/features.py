"""What a network makes of images before it decides."""

from collections.abc import Iterable, Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from deepmed.learning.class_activation.observing import observable
from deepmed.learning.errors import EmbeddingGenerationError

_NONE = "No image passed a fully connected layer of this network, so it has no features to compare."


def deciding_features(network: nn.Module, batches: Iterable[torch.Tensor]) -> NDArray[np.float64]:
    """What the first fully connected layer is given: the means of the last feature maps.

    Args:
        network: any module with such a layer; it stays as it is.
        batches: (B, C, H, W) each, as the network sees them.

    Returns:
        (n, D).

    Raises:
        EmbeddingGenerationError: there are no images, or images pass no such layer.

    Example:
        >>> network = nn.Sequential(nn.Conv2d(1, 4, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
        ...                         nn.Linear(4, 2))
        >>> deciding_features(network, [torch.zeros(5, 1, 8, 8)]).shape
        (5, 4)
    """
    rows = [one for one, _ in _watched(network, batches)]
    if not rows:
        raise EmbeddingGenerationError(_NONE)
    return np.concatenate(rows)


def features_and_output(
    network: nn.Module, images: torch.Tensor
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """What one batch comes to, asked once for both.

    Args:
        network: any module with a fully connected layer; it stays as it is.
        images: (B, C, H, W), as the network sees them.

    Returns:
        (B, D), see `deciding_features`, and the network's own output for them.

    Raises:
        EmbeddingGenerationError: images pass no such layer.

    Example:
        >>> network = nn.Sequential(nn.Flatten(), nn.Linear(4, 1))
        >>> features, output = features_and_output(network, torch.zeros(5, 1, 2, 2))
        >>> features.shape, output.shape
        ((5, 4), (5, 1))
    """
    for found in _watched(network, [images]):
        return found
    raise EmbeddingGenerationError(_NONE)


def _watched(
    network: nn.Module, batches: Iterable[torch.Tensor]
) -> Iterator[tuple[NDArray[np.float64], NDArray[np.float64]]]:
    twin = observable(network)
    given: list[torch.Tensor] = []

    def note(_of: nn.Module, inputs: tuple[torch.Tensor, ...]) -> None:
        given.append(inputs[0])

    for module in twin.modules():
        if isinstance(module, nn.Linear):
            module.register_forward_pre_hook(note)
    device = next((weight.device for weight in twin.parameters()), torch.device("cpu"))
    for images in batches:
        given.clear()
        with torch.inference_mode():
            output = twin(images.to(device))
        if not given:
            return
        yield given[0].flatten(1).double().cpu().numpy(), output.double().cpu().numpy()
