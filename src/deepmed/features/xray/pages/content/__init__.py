"""What each page shows, put together from the services.

Each module is loaded when its page is first asked for: some bring the learning library along.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from deepmed.features.xray.pages.content import (
        data,
        lookalikes,
        pictures,
        sources,
        training,
        trainings,
    )

__all__ = ["data", "lookalikes", "pictures", "sources", "training", "trainings"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(name)
    return import_module(f"{__name__}.{name}")
