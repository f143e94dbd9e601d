"""One DICOM file read: its picture as eight bits of grey or colour, and the few facts that we keep.

A chest X-ray is one projection. What is shown is what a viewer shows at first: the modality's
rescale or table, then the first VOI table, else the first window, else everything between the
least and the greatest level that is no padding; MONOCHROME1 is turned round, so that bone is white.

This runs in a process of its own, see `dicom_child`.
"""

import io
import warnings

import numpy as np
import numpy.typing as npt
import pydicom
from pydicom.dataset import Dataset
from pydicom.pixels.processing import apply_color_lut
from pydicom.pixels.utils import pixel_array

from deepmed.features.xray.source.dicom_grey import grey_levels
from deepmed.features.xray.source.dicom_image import (
    DicomFacts,
    DicomImage,
    FrameRule,
    looks_like_dicom,
)
from deepmed.kit.errors import ImageProcessingError
from deepmed.kit.pictures import PictureLimits

_NEEDED = (
    "Rows",
    "Columns",
    "SamplesPerPixel",
    "BitsAllocated",
    "BitsStored",
    "PixelRepresentation",
    "PhotometricInterpretation",
)
_MONOCHROME = ("MONOCHROME1", "MONOCHROME2")
_PALETTE = "PALETTE COLOR"
_PROJECTIONS = {"CR", "DX", "DR", "RG", "RF", "XA", "PX", "IO", "MG", "OT", "SC", ""}
"""Modalities whose pictures may be single projections."""
_OTHERS = {"CT", "ECG", "MR", "NM", "PT", "RTDOSE", "RTPLAN", "RTSTRUCT", "SEG", "SM", "SR", "US"}
_MOST_TEXT = 64
_SAMPLES = {1, 3}
"""Of a pixel; a decoder would make room for as many as the file says."""


def read_dicom(data: bytes, limits: PictureLimits, frames: FrameRule = "refuse") -> DicomImage:
    """Decode a DICOM file of unknown origin; sizes are checked before anything is decoded.

    Args:
        data: the file, with or without preamble and file meta information.
        limits: of its pixels.
        frames: what to do with a file of several frames, which is a film or a volume and no
            radiograph: refuse it, or take its first or middle frame and say so.

    Raises:
        ImageProcessingError: no DICOM, no picture in it, or one that cannot be shown rightly.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            dataset = _parsed(data)
            notes: list[str] = []
            index = _chosen_frame(dataset, limits, frames, notes)
            pixels = _shown(dataset, index, notes)
            return DicomImage(pixels, _facts(dataset, notes))
        except ImageProcessingError:
            raise
        except MemoryError as error:
            raise ImageProcessingError("The DICOM file needs more memory than it may.") from error
        except Exception as error:  # a decoder fed with arbitrary bytes raises anything
            raise ImageProcessingError(_damaged(error)) from error


def _damaged(error: Exception) -> str:
    if isinstance(error, (NotImplementedError, RuntimeError)) and "plugin" in str(error).lower():
        return (
            "The DICOM file's pixels are damaged, or compressed in a way that cannot be read here; "
            "export it again without compression."
        )
    return "The DICOM file is damaged or cut off and cannot be read; export it again."


def _parsed(data: bytes) -> Dataset:
    dataset = pydicom.dcmread(io.BytesIO(data), force=True)
    if "PixelData" not in dataset:
        if not looks_like_dicom(data) and "SOPClassUID" not in dataset:
            raise ImageProcessingError("The file is neither a picture nor a DICOM file.")
        raise ImageProcessingError(f"The DICOM file holds no picture{_of_modality(dataset)}.")
    missing = [name for name in _NEEDED if dataset.get(name) is None]
    if missing:
        raise ImageProcessingError(
            f"The DICOM file lacks {', '.join(missing)}, without which its picture cannot be shown."
        )
    if dataset.SamplesPerPixel not in _SAMPLES:
        raise ImageProcessingError(
            f"The DICOM file says that a pixel has {int(dataset.SamplesPerPixel)} values; it has 1 "
            "in grey pictures and 3 in colour."
        )
    if "TransferSyntaxUID" not in dataset.file_meta:
        little, implicit = dataset.original_encoding[1], dataset.original_encoding[0]
        dataset.file_meta.TransferSyntaxUID = (
            pydicom.uid.ImplicitVRLittleEndian
            if implicit
            else pydicom.uid.ExplicitVRLittleEndian
            if little
            else pydicom.uid.ExplicitVRBigEndian
        )
    return dataset


def _chosen_frame(
    dataset: Dataset, limits: PictureLimits, frames: FrameRule, notes: list[str]
) -> int:
    height, width, count = (
        int(dataset.get(name) or 1) for name in ("Rows", "Columns", "NumberOfFrames")
    )
    if height * width > limits.max_pixels:
        raise ImageProcessingError(
            f"The picture has {width} x {height} pixels; at most "
            f"{limits.max_pixels / 1e6:g} million are allowed."
        )
    if min(height, width) < limits.min_side:
        raise ImageProcessingError(
            f"The picture has {width} x {height} pixels; it must be at least "
            f"{limits.min_side} x {limits.min_side}."
        )
    if count <= 1:
        return 0
    if frames == "refuse":
        raise ImageProcessingError(
            f"The DICOM file has {count} frames, so it is a film or a volume and no radiograph; "
            "export the frame that is meant, or ask for the first or the middle one."
        )
    index = 0 if frames == "first" else count // 2
    notes.append(f"frame {index + 1} of {count} was taken")
    return index


def _shown(dataset: Dataset, index: int, notes: list[str]) -> npt.NDArray[np.uint8]:
    kind = str(dataset.PhotometricInterpretation).strip().upper()
    stored = pixel_array(dataset, index=index)
    if kind in _MONOCHROME:
        return grey_levels(stored, dataset, notes, inverted=kind == "MONOCHROME1")
    colours = np.asarray(apply_color_lut(stored, dataset) if kind == _PALETTE else stored)
    if colours.ndim != 3 or colours.shape[2] < 3:
        raise ImageProcessingError("The picture's kind of pixels is not supported.")
    bits = _palette_bits(dataset) if kind == _PALETTE else int(dataset.BitsStored)
    scaled = colours[..., :3].astype(np.float32) * (255 / (2**bits - 1))
    return np.asarray(np.rint(scaled.clip(0, 255)), np.uint8)


def _palette_bits(dataset: Dataset) -> int:
    """Of a palette's levels; segmented and 8-bit ones come out as the descriptor says."""
    return int(dataset.RedPaletteColorLookupTableDescriptor[2])


def _facts(dataset: Dataset, notes: list[str]) -> DicomFacts:
    modality = _text(dataset, "Modality").upper()
    if modality not in _PROJECTIONS:
        notes.append(f"it is no radiograph{_of_modality(dataset)}")
    if _text(dataset, "PresentationIntentType").upper() == "FOR PROCESSING":
        notes.append("it is raw (for processing), not as people see it")
    conversion = _text(dataset, "ConversionType").upper()
    secondary = _text(dataset, "SOPClassUID").startswith("1.2.840.10008.5.1.4.1.1.7")
    return DicomFacts(
        patient_id=_text(dataset, "PatientID"),
        sex=_text(dataset, "PatientSex"),
        age=_text(dataset, "PatientAge"),
        view=_text(dataset, "ViewPosition"),
        burned_in=_text(dataset, "BurnedInAnnotation").upper(),
        captured=secondary or bool(conversion),
        notes=tuple(notes),
    )


def _of_modality(dataset: Dataset) -> str:
    """What it says it is, where that is a word of the standard: anything else may be a name."""
    modality = _text(dataset, "Modality").upper()
    return f" (its modality is {modality})" if modality in _OTHERS else ""


def _text(dataset: Dataset, name: str) -> str:
    try:
        value = dataset.get(name)
    except Exception:  # noqa: BLE001 - an element's bytes are anybody's; the picture is readable
        return ""
    return "" if value is None else str(value).strip()[:_MOST_TEXT]
