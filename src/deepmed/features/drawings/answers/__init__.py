"""What the routes answer, put together from the services.

Each module is loaded when it is first asked for: they bring the learning library along, and a
server that nobody has asked for a drawing yet should start quickly and stay small.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from deepmed.features.drawings.answers import (
        analysis,
        annotations,
        batches,
        cohorts,
        config,
        demo,
        deployment,
        encoders,
        exports,
        interpretability,
        models,
        pictures,
        storage,
        subject_aware,
        subjects,
        sufficiency,
        training,
    )

__all__ = [
    "analysis",
    "annotations",
    "batches",
    "cohorts",
    "config",
    "demo",
    "deployment",
    "encoders",
    "exports",
    "interpretability",
    "models",
    "pictures",
    "storage",
    "subject_aware",
    "subjects",
    "sufficiency",
    "training",
]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(name)
    return import_module(f"{__name__}.{name}")
