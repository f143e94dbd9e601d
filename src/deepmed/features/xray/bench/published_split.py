"""A published data set of small grey images in one NPZ, as a source that trainings take in."""

import csv
import hashlib
import io
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from deepmed.kit import seeds
from deepmed.kit.errors import ValidationError

Pixels = npt.NDArray[np.uint8]
Labels = npt.NDArray[np.int64]
TRAIN, VALIDATION, TEST = "train", "validation", "test"
_KEYS = {TRAIN: "train", VALIDATION: "val", TEST: "test"}
"""How each part is called in the file, which has `<part>_images` and `<part>_labels`."""
_LARGEST = 1 << 30
_CARVED = 0.1
NOBODY = "unknown"
"""In place of a patient, whom such a file does not name."""


@dataclass(frozen=True, eq=False)
class Images:
    """Pixels (n, height, width), a label 0 or 1 each, and a name."""

    pixels: Pixels
    labels: Labels
    names: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.labels)

    def chosen(self, places: npt.NDArray[np.intp]) -> "Images":
        names = tuple(self.names[place] for place in places)
        return Images(self.pixels[places], self.labels[places], names)


@dataclass(frozen=True, eq=False)
class PublishedSplit:
    """The three parts of a file, and which file it was."""

    parts: Mapping[str, Images]
    sha256: str
    name: str

    @classmethod
    def read(cls, path: Path) -> "PublishedSplit":
        """Nothing in the file is unpickled.

        Raises:
            ValidationError: there is no such file, or it is no data set of this kind.
        """
        try:
            content = path.read_bytes()
            with zipfile.ZipFile(io.BytesIO(content)) as file:
                _refuse_bomb(file)
                parts = {part: _part(file, key) for part, key in _KEYS.items()}
        except FileNotFoundError:
            raise ValidationError(f"There is no file {path}; nothing was measured.") from None
        except (OSError, KeyError, ValueError, zipfile.BadZipFile) as error:
            raise ValidationError(
                f"{path.name} is no published split that can be measured on ({error}). It needs "
                "images uint8 (n, height, width) and labels 0 or 1 of train, val and test."
            ) from error
        return cls(parts, hashlib.sha256(content).hexdigest(), path.name)

    @property
    def counts(self) -> dict[str, dict[str, int]]:
        """Images of each part, and how many of them are of class 1."""
        return {
            part: {"images": len(one), "positive": int(one.labels.sum())}
            for part, one in self.parts.items()
        }

    def without_test(self, seed: int) -> "PublishedSplit":
        """The same without the published test part, for comparing variants.

        Its place takes the published validation part; in that one's place stands a tenth of the
        training images, drawn of each class alike. So what variants are compared on, none of them
        was fitted, stopped or calibrated on.
        """
        training = self.parts[TRAIN]
        carved = _carved(training.labels, seed)
        rest = np.setdiff1d(np.arange(len(training)), carved)
        parts = {
            TRAIN: training.chosen(rest),
            VALIDATION: training.chosen(carved),
            TEST: self.parts[VALIDATION],
        }
        return PublishedSplit(parts, self.sha256, self.name)


def write_source(split: PublishedSplit, folder: Path) -> Path:
    """PNG files with a table of labels and parts, which says that nobody knows the patients."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = [["patientId", "Target", "filename", "split"]]
    for part, images in split.parts.items():
        for pixels, label, name in zip(images.pixels, images.labels, images.names, strict=True):
            Image.fromarray(pixels).save(folder / f"{name}.png")
            rows.append([NOBODY, str(label), f"{name}.png", part])
    with (folder / "labels.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(rows)
    return folder


def _part(file: zipfile.ZipFile, key: str) -> Images:
    pixels, labels = _array(file, f"{key}_images"), _array(file, f"{key}_labels").ravel()
    if pixels.dtype != np.uint8 or pixels.ndim != 3 or len(pixels) != len(labels):
        raise ValueError(f"its part {key} is {pixels.dtype} {pixels.shape}")
    if not (len(labels) and np.isin(labels, (0, 1)).all()):
        raise ValueError(f"its part {key} has other labels than 0 and 1")
    names = tuple(f"{key}-{place:05d}" for place in range(len(labels)))
    return Images(pixels, labels.astype(np.int64), names)


def _array(file: zipfile.ZipFile, name: str) -> npt.NDArray[Any]:
    with file.open(f"{name}.npy") as content:
        found: npt.NDArray[Any] = np.lib.format.read_array(content, allow_pickle=False)
    return found


def _refuse_bomb(file: zipfile.ZipFile) -> None:
    size = sum(entry.file_size for entry in file.infolist())
    if size > _LARGEST:
        raise ValueError(f"it would take {size} bytes")


def _carved(labels: Labels, seed: int) -> npt.NDArray[np.intp]:
    random = seeds.generator(seed, "xray bench", "carved")
    places = []
    for label in (0, 1):
        mine = np.flatnonzero(labels == label)
        places.append(random.choice(mine, max(1, round(_CARVED * len(mine))), replace=False))
    return np.sort(np.concatenate(places))
