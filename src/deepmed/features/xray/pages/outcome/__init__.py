"""What the pages of results show, put together from a run as it is stored.

Each module is loaded when its page is first asked for: most bring the learning library along.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from deepmed.features.xray.pages.outcome import predicted, results

__all__ = ["predicted", "results"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(name)
    return import_module(f"{__name__}.{name}")
