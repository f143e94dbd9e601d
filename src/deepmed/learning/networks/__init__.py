"""Networks that classify images: a backbone by name, and a head of our own on top.

Names are loaded when they are first asked for: a form that only lists networks does not wait for
torch.

>>> from deepmed.learning.networks import NetworkSettings, build_network
>>> build_network(NetworkSettings("resnet18", width=4, head=(8,))).num_classes
1
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from deepmed.learning.networks.backbone import Backbone, Layer
    from deepmed.learning.networks.errors import NetworkChoiceError
    from deepmed.learning.networks.names import available_networks, check_network
    from deepmed.learning.networks.pretrained import WeightsRecord
    from deepmed.learning.networks.registry import build_network, register_network
    from deepmed.learning.networks.settings import NetworkSettings
    from deepmed.learning.networks.with_head import NetworkWithCustomHead, ResNetWithCustomHead

_MODULE_OF = {
    "Backbone": "backbone",
    "Layer": "backbone",
    "NetworkChoiceError": "errors",
    "NetworkSettings": "settings",
    "NetworkWithCustomHead": "with_head",
    "ResNetWithCustomHead": "with_head",
    "WeightsRecord": "pretrained",
    "available_networks": "names",
    "build_network": "registry",
    "check_network": "names",
    "register_network": "registry",
}

__all__ = [
    "Backbone",
    "Layer",
    "NetworkChoiceError",
    "NetworkSettings",
    "NetworkWithCustomHead",
    "ResNetWithCustomHead",
    "WeightsRecord",
    "available_networks",
    "build_network",
    "check_network",
    "register_network",
]


def __getattr__(name: str) -> Any:
    if name not in _MODULE_OF:
        raise AttributeError(f"deepmed.learning.networks has no name {name!r}.")
    return getattr(import_module(f"{__name__}.{_MODULE_OF[name]}"), name)
