"""Looking into a network without touching it.

A hook on a shared network would be seen by every thread that predicts with it, and stay behind
where something fails. So the look is taken through a copy of the module tree that shares all
weights: the network itself is never changed.
"""

import copy
from collections import OrderedDict
from collections.abc import Callable

import torch
from torch import nn

from deepmed.learning.errors import SaliencyGenerationError

Watcher = Callable[[nn.Module, torch.Tensor], torch.Tensor | None]


def observable(network: nn.Module) -> nn.Module:
    """The same network in evaluation mode, with modules of its own around the same weights.

    Args:
        network: any module; it stays as it is, its mode included.

    Returns:
        A module tree to which hooks can be added; thrown away, they are gone.

    Example:
        >>> network = nn.Sequential(nn.Conv2d(1, 2, 3), nn.Dropout())
        >>> twin = observable(network)
        >>> twin[0].weight is network[0].weight, twin[1].training, network[1].training
        (True, False, True)
    """
    twins: dict[int, nn.Module] = {}

    def copied(module: nn.Module) -> nn.Module:
        if id(module) not in twins:
            twin = twins[id(module)] = copy.copy(module)
            children = {
                name: None if child is None else copied(child)
                for name, child in vars(module)["_modules"].items()
            }
            hooks = {
                name: OrderedDict(own)
                for name, own in vars(module).items()
                if "hooks" in name and isinstance(own, dict)
            }
            vars(twin).update(_modules=children, **hooks)
        return twins[id(module)]

    return copied(network).eval()


def on_output(module: nn.Module, watch: Watcher) -> None:
    """Let a function see, and replace if it returns something, each output of a module.

    Args:
        module: of an observable network.
        watch: from the module and its output to another output, or None.

    Example:
        >>> twin = observable(nn.ReLU())
        >>> on_output(twin, lambda module, output: output + 1)
        >>> twin(torch.zeros(1))
        tensor([1.])
    """

    def hook(of: nn.Module, _inputs: object, output: torch.Tensor) -> torch.Tensor | None:
        return watch(of, output)

    module.register_forward_hook(hook)


def last_convolution(network: nn.Module, images: torch.Tensor) -> str:
    """The name of the last convolution that images pass whose output still has places.

    It is the last in the order in which images pass, not in the order of writing.

    Args:
        network: any module.
        images: (B, C, H, W).

    Raises:
        SaliencyGenerationError: there is none.

    Example:
        >>> network = nn.Sequential(nn.Conv2d(1, 2, 3), nn.Conv2d(2, 2, 3), nn.Conv2d(2, 2, 4))
        >>> last_convolution(network, torch.zeros(1, 1, 8, 8))
        '1'
    """
    twin, passed = observable(network), []
    for name, module in twin.named_modules():
        if isinstance(module, nn.Conv2d):

            def note(_of: nn.Module, output: torch.Tensor, name: str = name) -> None:
                passed.append((name, output.shape[-2:].numel()))

            on_output(module, note)
    with torch.inference_mode():
        twin(images)
    named = [name for name, places in passed if places > 1]
    if not named:
        raise SaliencyGenerationError(
            "No convolution of this network has an output with more than one place for images of "
            f"{images.shape[-2]} by {images.shape[-1]} pixels. No map was made. Use occlusion, or "
            "larger images."
        )
    return named[-1]


def named_layer(network: nn.Module, name: str) -> nn.Module:
    """A layer by its name.

    Raises:
        SaliencyGenerationError: there is none.

    Example:
        >>> named_layer(nn.Sequential(nn.ReLU()), "0")
        ReLU()
    """
    layers = dict(network.named_modules())
    if name not in layers:
        raise SaliencyGenerationError(
            f"This network has no layer {name!r}. No map was made. Leave the name out for the last "
            "convolution."
        )
    layer: nn.Module = layers[name]
    return layer
