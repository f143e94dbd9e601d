"""Images of a run: rows, preprocessing, transforms, cache and loading.

Names are loaded when they are first asked for: who only handles rows does not wait for torch.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from deepmed.learning.imaging.dataset import CustomImageDataset, Sample
    from deepmed.learning.imaging.enhancement import Enhancement
    from deepmed.learning.imaging.errors import (
        ImagingError,
        PreprocessingRecordError,
        UnreadableImageError,
    )
    from deepmed.learning.imaging.measuring import LoadingFigures, measure_loading
    from deepmed.learning.imaging.module import XRayDataModule
    from deepmed.learning.imaging.pixel_cache import PixelCache, forget
    from deepmed.learning.imaging.pixel_store import PixelStore
    from deepmed.learning.imaging.preprocessing import IMAGENET_MEAN, IMAGENET_STD, Preprocessing
    from deepmed.learning.imaging.rejections import Minimum, Rejection, RejectionReport
    from deepmed.learning.imaging.rows import ImageRow, class_counts, file_digest
    from deepmed.learning.imaging.sampling import Draw, EpochSampler
    from deepmed.learning.imaging.settings import DataSettings
    from deepmed.learning.imaging.transforms import TransformBuilder
    from deepmed.learning.imaging.variation import Variation

_MODULES = {
    "dataset": (
        "CustomImageDataset",
        "Sample",
    ),
    "enhancement": ("Enhancement",),
    "errors": (
        "ImagingError",
        "PreprocessingRecordError",
        "UnreadableImageError",
    ),
    "measuring": (
        "LoadingFigures",
        "measure_loading",
    ),
    "module": ("XRayDataModule",),
    "pixel_cache": ("PixelCache", "forget"),
    "pixel_store": ("PixelStore",),
    "preprocessing": (
        "IMAGENET_MEAN",
        "IMAGENET_STD",
        "Preprocessing",
    ),
    "rejections": (
        "Minimum",
        "Rejection",
        "RejectionReport",
    ),
    "rows": (
        "ImageRow",
        "class_counts",
        "file_digest",
    ),
    "sampling": (
        "Draw",
        "EpochSampler",
    ),
    "settings": ("DataSettings",),
    "transforms": ("TransformBuilder",),
    "variation": ("Variation",),
}
_MODULE_OF = {name: module for module, names in _MODULES.items() for name in names}

__all__ = [
    "IMAGENET_MEAN",
    "IMAGENET_STD",
    "CustomImageDataset",
    "DataSettings",
    "Draw",
    "Enhancement",
    "EpochSampler",
    "ImageRow",
    "ImagingError",
    "LoadingFigures",
    "Minimum",
    "PixelCache",
    "PixelStore",
    "Preprocessing",
    "PreprocessingRecordError",
    "Rejection",
    "RejectionReport",
    "Sample",
    "TransformBuilder",
    "UnreadableImageError",
    "Variation",
    "XRayDataModule",
    "class_counts",
    "file_digest",
    "forget",
    "measure_loading",
]


def __getattr__(name: str) -> Any:
    if name not in _MODULE_OF:
        raise AttributeError(f"{__name__} has no name {name!r}.")
    return getattr(import_module(f"{__name__}.{_MODULE_OF[name]}"), name)
