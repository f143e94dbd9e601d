"""Training on images that stay with their holders: each learns alone, weights are averaged.

Importing this imports neither torch nor Flower; a name does when it is asked for.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from deepmed.learning.federated.app import LocalGrid, client_app
    from deepmed.learning.federated.client import Answer, LocalClient, Order
    from deepmed.learning.federated.errors import FederatedTrainingError, FlowerMissingError
    from deepmed.learning.federated.partition import deal_to_clients, draw_shares
    from deepmed.learning.federated.proximal import ProximalTerm
    from deepmed.learning.federated.rounds import (
        ClientResult,
        RoundResult,
        make_strategy,
        run_round,
        run_rounds,
    )
    from deepmed.learning.federated.settings import FederatedSettings, need_flower

_MODULES = {
    "app": ("LocalGrid", "client_app"),
    "client": ("Answer", "LocalClient", "Order"),
    "errors": ("FederatedTrainingError", "FlowerMissingError"),
    "partition": ("deal_to_clients", "draw_shares"),
    "proximal": ("ProximalTerm",),
    "rounds": ("ClientResult", "RoundResult", "make_strategy", "run_round", "run_rounds"),
    "settings": ("FederatedSettings", "need_flower"),
}
_MODULE_OF = {name: module for module, names in _MODULES.items() for name in names}

__all__ = [
    "Answer",
    "ClientResult",
    "FederatedSettings",
    "FederatedTrainingError",
    "FlowerMissingError",
    "LocalClient",
    "LocalGrid",
    "Order",
    "ProximalTerm",
    "RoundResult",
    "client_app",
    "deal_to_clients",
    "draw_shares",
    "make_strategy",
    "need_flower",
    "run_round",
    "run_rounds",
]


def __getattr__(name: str) -> Any:
    if name not in _MODULE_OF:
        raise AttributeError(f"deepmed.learning.federated has no name {name!r}.")
    return getattr(import_module(f"{__name__}.{_MODULE_OF[name]}"), name)
