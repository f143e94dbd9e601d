"""What the pages of results show, put together from a run as it is stored.

Each module is loaded when its page is first asked for: most bring the learning library along.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from deepmed.features.xray.pages.outcome import (
        comparison,
        federated,
        predicted,
        prediction,
        results,
    )

__all__ = ["comparison", "federated", "predicted", "prediction", "results"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(name)
    return import_module(f"{__name__}.{name}")
