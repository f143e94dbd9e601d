"""Images of a run: rows, preprocessing, transforms, cache and loading.

Names are loaded when they are first asked for: who only handles rows does not wait for torch.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from deepmed.learning.imaging.enhancement import Enhancement
    from deepmed.learning.imaging.errors import (
        ImagingError,
        PreprocessingRecordError,
        UnreadableImageError,
    )
    from deepmed.learning.imaging.preprocessing import IMAGENET_MEAN, IMAGENET_STD, Preprocessing
    from deepmed.learning.imaging.rows import ImageRow, class_counts, file_digest

_MODULES = {
    "enhancement": ("Enhancement",),
    "errors": ("ImagingError", "PreprocessingRecordError", "UnreadableImageError"),
    "preprocessing": ("IMAGENET_MEAN", "IMAGENET_STD", "Preprocessing"),
    "rows": ("ImageRow", "class_counts", "file_digest"),
}
_MODULE_OF = {name: module for module, names in _MODULES.items() for name in names}

__all__ = [
    "IMAGENET_MEAN",
    "IMAGENET_STD",
    "Enhancement",
    "ImageRow",
    "ImagingError",
    "Preprocessing",
    "PreprocessingRecordError",
    "UnreadableImageError",
    "class_counts",
    "file_digest",
]


def __getattr__(name: str) -> Any:
    if name not in _MODULE_OF:
        raise AttributeError(f"{__name__} has no name {name!r}.")
    return getattr(import_module(f"{__name__}.{_MODULE_OF[name]}"), name)
