"""What each page shows, put together from the services.

Each module is loaded when its page is first asked for: most bring the learning library along.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from deepmed.features.drawings.pages.content import (
        ages,
        attention,
        batches,
        compare,
        dashboard,
        demo,
        drawing,
        encoders,
        gallery,
        models,
        reports,
        thresholds,
        training,
        trainings,
        upload,
    )

__all__ = [
    "ages",
    "attention",
    "batches",
    "compare",
    "dashboard",
    "demo",
    "drawing",
    "encoders",
    "gallery",
    "models",
    "reports",
    "thresholds",
    "training",
    "trainings",
    "upload",
]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(name)
    return import_module(f"{__name__}.{name}")
