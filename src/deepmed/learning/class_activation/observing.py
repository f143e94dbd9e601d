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
    """The name of the layer with the last convolution's maps, as they go into the decision.

    The last convolution is the last that images pass and that leaves more than one place, not the
    last that is written. Normalisation, rectifier and shortcut that follow it belong to it, so the
    layer is the last one whose output is as large: a residual network's last stage, for example.
    Without the rectifier most of what a class does not need would stand there as negative numbers.

    Args:
        network: any module.
        images: (B, C, H, W).

    Raises:
        SaliencyGenerationError: there is none.

    Example:
        >>> network = nn.Sequential(nn.Conv2d(1, 2, 3), nn.Conv2d(2, 2, 3), nn.ReLU(),
        ...                         nn.Conv2d(2, 2, 4))
        >>> last_convolution(network, torch.zeros(1, 1, 8, 8))
        '2'
    """
    found = None
    for name, size, convolves in _passed(network, images):
        follows = found is not None and size == found[1]
        if follows or (convolves and size.numel() > 1):
            found = name, size
    if found is None:
        raise SaliencyGenerationError(
            "No convolution of this network has an output with more than one place for images of "
            f"{images.shape[-2]} by {images.shape[-1]} pixels. No map was made. Use occlusion, or "
            "larger images."
        )
    return found[0]


def _passed(network: nn.Module, images: torch.Tensor) -> list[tuple[str, torch.Size, bool]]:
    """Layers that give feature maps, in the order in which they are done, with height and width."""
    twin = observable(network)
    passed: list[tuple[str, torch.Size, bool]] = []

    def note_as(name: str) -> Watcher:
        def note(of: nn.Module, output: object) -> None:
            if name and isinstance(output, torch.Tensor) and output.ndim == 4:
                passed.append((name, output.shape[-2:], isinstance(of, nn.Conv2d)))

        return note

    for name, module in twin.named_modules():
        on_output(module, note_as(name))
    with torch.inference_mode():
        twin(images)
    return passed


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
