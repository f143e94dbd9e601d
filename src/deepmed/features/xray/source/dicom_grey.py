"""From stored levels to shown grey, as DICOM says (PS3.3 C.11.1 and C.11.2)."""

from typing import Any

import numpy as np
import numpy.typing as npt
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue
from pydicom.pixels.processing import apply_modality_lut, apply_voi

from deepmed.kit.errors import ImageProcessingError

Levels = npt.NDArray[np.float32]


def grey_levels(
    stored: npt.NDArray[Any], dataset: Dataset, notes: list[str], *, inverted: bool
) -> npt.NDArray[np.uint8]:
    """Eight bits of grey, white for what the picture shows brightest.

    `inverted`: the least level is white (MONOCHROME1).
    """
    stored = _without_foreign_bits(stored, int(dataset.BitsStored))
    levels = apply_modality_lut(stored, dataset)
    if levels.dtype.kind == "f" and not np.isfinite(levels).all():
        raise ImageProcessingError("The DICOM file's rescale values are no numbers.")
    shown = _by_table(levels, dataset, notes)
    if shown is None:
        shown = _by_window(levels, dataset, notes)
    if shown is None or (shown.min() == shown.max() and stored.min() < stored.max()):
        if shown is not None:
            notes.append("its window shows nothing, so all of its levels were shown")
        shown = _by_range(levels, _padding(stored, dataset))
    return np.rint(255 * (1 - shown if inverted else shown)).astype(np.uint8)


def window(levels: npt.NDArray[Any], center: float, width: float, function: str) -> Levels:
    """Levels through a window, 0 to 1; the functions are those of PS3.3 C.11.2.1.2 and C.11.2.1.3.

    Raises:
        ValueError: another function, or a width that its function does not have.
    """
    x = levels.astype(np.float32)
    if function == "LINEAR" and width >= 1:
        # A width of 1 is a step; of what stands between its two ends nothing is left.
        return _unit((x - (center - 0.5)) / max(width - 1, 1e-6) + 0.5)
    if function == "LINEAR_EXACT" and width > 0:
        return _unit((x - center) / width + 0.5)
    if function == "SIGMOID" and width > 0:
        exponent = (-4 * (x - center) / width).clip(-80, 80)
        return np.asarray(1 / (1 + np.exp(exponent)), dtype=np.float32)
    raise ValueError(f"a window of {function} and a width of {width}")


def _unit(values: npt.NDArray[Any]) -> Levels:
    return np.asarray(values.clip(0, 1), dtype=np.float32)


def _without_foreign_bits(stored: npt.NDArray[Any], bits: int) -> npt.NDArray[Any]:
    """Older files keep overlays in the bits above the stored ones."""
    if stored.dtype.kind == "u" and bits < 8 * stored.dtype.itemsize and stored.max() >= 2**bits:
        return np.asarray(np.bitwise_and(stored, stored.dtype.type(2**bits - 1)))
    return stored


def _by_table(levels: npt.NDArray[Any], dataset: Dataset, notes: list[str]) -> Levels | None:
    if not dataset.get("VOILUTSequence"):
        return None
    try:
        bits = int(dataset.VOILUTSequence[0].LUTDescriptor[2])
        found = apply_voi(np.rint(levels).astype(np.int32), dataset)
    except Exception:  # noqa: BLE001 - the table is anybody's; what it is for can be had without it
        notes.append("its VOI table cannot be used")
        return None
    return _unit(found.astype(np.float32) / (2**bits - 1))


def _by_window(levels: npt.NDArray[Any], dataset: Dataset, notes: list[str]) -> Levels | None:
    if dataset.get("WindowCenter") is None or dataset.get("WindowWidth") is None:
        return None
    function = str(dataset.get("VOILUTFunction") or "LINEAR").strip().upper()
    try:
        center, width = _first(dataset.WindowCenter), _first(dataset.WindowWidth)
        return window(levels, center, width, function)
    except (TypeError, ValueError, IndexError):
        notes.append("its window cannot be used")
        return None


def _first(value: Any) -> float:
    """The first of several windows, which is the one that viewers show at first."""
    several = isinstance(value, MultiValue)
    return float(value[0] if several else value)


def _by_range(levels: npt.NDArray[Any], padding: npt.NDArray[np.bool_] | None) -> Levels:
    """All levels from the least to the greatest; what stands for no picture does not count."""
    values = levels.astype(np.float32)
    inside = values if padding is None or padding.all() else values[~padding]
    low, high = float(inside.min()), float(inside.max())
    return _unit((values - low) / max(high - low, 1e-6))


def _padding(stored: npt.NDArray[Any], dataset: Dataset) -> npt.NDArray[np.bool_] | None:
    value = dataset.get("PixelPaddingValue")
    if not isinstance(value, int):
        return None
    limit = dataset.get("PixelPaddingRangeLimit")
    low, high = sorted((value, limit if isinstance(limit, int) else value))
    return (stored >= low) & (stored <= high)
