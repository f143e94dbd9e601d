"""Small films, DICOM files and sources of them, made on the spot."""

import io
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
from numpy.typing import NDArray
from PIL import Image
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.uid import UID, ExplicitVRLittleEndian

SIDE = 32
DIGITAL_XRAY = UID("1.2.840.10008.5.1.4.1.1.1.1")


def film(seed: int, side: int = SIDE) -> NDArray[np.uint8]:
    """Grey noise, of which no two are alike."""
    return np.random.default_rng([seed, side]).integers(0, 256, (side, side), dtype=np.uint8)


def png(pixels: NDArray[Any]) -> bytes:
    written = io.BytesIO()
    Image.fromarray(pixels).save(written, "PNG")
    return written.getvalue()


def dicom(pixels: NDArray[Any], **tags: Any) -> bytes:
    """A DICOM file without compression; a tag of None is left out."""
    dataset = _header(pixels)
    for name, value in tags.items():
        if value is None:
            delattr(dataset, name)
        else:
            setattr(dataset, name, value)
    return written(dataset)


def written(dataset: Dataset) -> bytes:
    file = io.BytesIO()
    pydicom.dcmwrite(file, dataset, enforce_file_format=True)
    return file.getvalue()


def _header(pixels: NDArray[Any]) -> FileDataset:
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID = DIGITAL_XRAY
    meta.MediaStorageSOPInstanceUID = pydicom.uid.generate_uid()
    dataset = FileDataset("", {}, file_meta=meta, preamble=bytes(128))
    dataset.SOPClassUID = DIGITAL_XRAY
    dataset.SOPInstanceUID = meta.MediaStorageSOPInstanceUID
    dataset.Modality = "DX"
    dataset.PatientID = "7"
    colours = pixels.shape[2] if pixels.ndim == 3 else 1
    dataset.Rows, dataset.Columns = pixels.shape[:2]
    dataset.SamplesPerPixel = colours
    dataset.PhotometricInterpretation = "RGB" if colours == 3 else "MONOCHROME2"
    if colours == 3:
        dataset.PlanarConfiguration = 0
    bits = 8 * pixels.dtype.itemsize
    dataset.BitsAllocated = dataset.BitsStored = bits
    dataset.HighBit = bits - 1
    dataset.PixelRepresentation = int(pixels.dtype.kind == "i")
    dataset.PixelData = pixels.tobytes()
    return dataset


def labelled(count: int, broken: Sequence[int] = ()) -> dict[str, bytes]:
    """A source of `count` patients with one PNG each, every second one positive."""
    files = {
        f"images/p{at}.png": b"no picture" if at in broken else png(film(at)) for at in range(count)
    }
    rows = [f"p{at},{at % 2}" for at in range(count)]
    return {**files, "labels.csv": "\n".join(["patientId,Target", *rows]).encode()}


def zipped(path: Path, files: Mapping[str, bytes], wrap: str = "") -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(wrap + name, content)
    return path


def laid_out(folder: Path, files: Mapping[str, bytes]) -> Path:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder
