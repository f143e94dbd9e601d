"""From a decoded image to the numbers a network sees: one way, in validation and in use.

It has two halves. `pixels` scales the image and gives eight-bit planes, which a cache can keep;
`finish` looks every level up in a table. Whole numbers and a table leave no room for rounding that
differs between a batch and a single image, or between two machines.
"""

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Any, Literal, Self

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image

from deepmed.kit.digests import json_digest
from deepmed.learning.imaging.enhancement import Enhancement
from deepmed.learning.imaging.errors import PreprocessingRecordError

Pixels = npt.NDArray[np.uint8]
"""(height, width, 3) red, green, blue, or (height, width, 1) where all three are equal."""

VERSION = "image-1"
"""Of the arithmetic below. Whoever changes what comes out changes it."""
IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
"""Of red, green and blue in ImageNet, which published pretrained weights expect."""
_RECORD = "image-preprocessing"
_LARGEST_SIDE = 4096


@dataclass(frozen=True)
class Preprocessing:
    """Everything that is done to an image before the network; stored with each model.

    Attributes:
        size: (height, width) in pixels of what comes out.
        color_mode: `RGB` gives three planes, `L` (grey) one.
        mean: Taken from each plane, on the scale of 0 (black) to 1 (full).
        std: By which each plane is then divided.
        version: Of the arithmetic; this program knows one.
        fit: `pad` keeps the proportions, because the shape of heart and chest is a finding, and
            sets the image in the middle of black; `stretch` fills the size.
        enhancement: Contrast and edges, or none.

    Raises:
        ValueError: A value cannot be meant.

    Example:
        >>> grey = Preprocessing((64, 64), "L", (0.5,), (0.25,))
        >>> grey.apply(np.full((128, 64, 3), 255, np.uint8)).shape
        torch.Size([1, 64, 64])
        >>> Preprocessing.from_json(grey.to_json()) == grey
        True
    """

    size: tuple[int, int] = (256, 256)
    color_mode: Literal["RGB", "L"] = "RGB"
    mean: tuple[float, ...] = IMAGENET_MEAN
    std: tuple[float, ...] = IMAGENET_STD
    version: str = VERSION
    fit: Literal["pad", "stretch"] = "pad"
    enhancement: Enhancement | None = None

    def __post_init__(self) -> None:
        if self.version != VERSION:
            raise ValueError(f"Preprocessing {self.version} is not known here, only {VERSION}.")
        if self.color_mode not in {"RGB", "L"} or self.fit not in {"pad", "stretch"}:
            raise ValueError("color_mode is RGB or L, and fit is pad or stretch.")
        if len(self.size) != 2 or not all(map(_is_side, self.size)):
            raise ValueError(f"size is (height, width), each from 1 to {_LARGEST_SIDE} pixels.")
        if len(self.mean) != self.channels or len(self.std) != self.channels:
            raise ValueError(f"{self.color_mode} needs a mean and a std for each of its planes.")
        if not all(map(math.isfinite, self.mean)) or not all(
            0 < std < math.inf for std in self.std
        ):
            raise ValueError("Each mean must be a number, and each std one above 0.")

    @property
    def channels(self) -> int:
        """Planes that come out."""
        return 3 if self.color_mode == "RGB" else 1

    def apply(self, image: npt.NDArray[np.uint8]) -> torch.Tensor:
        """The network's input for one image.

        Args:
            image: uint8 (height, width, 3), red, green, blue.

        Returns:
            float32 (channels, height, width) of `size`.

        Raises:
            ValueError: It is no such image.
        """
        return self.finish(self.pixels(image))

    def pixels(self, image: npt.NDArray[np.uint8]) -> Pixels:
        """The first half: eight-bit planes of `size`, as the cache keeps them.

        Args:
            image: uint8 (height, width, 3), red, green, blue.

        Returns:
            uint8 (height, width, 1) where the image is grey or only grey is wanted, else
            (height, width, 3).

        Raises:
            ValueError: It is no such image.
        """
        if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or not image.size:
            raise ValueError(
                f"An image is uint8 (height, width, 3), not {image.dtype} {image.shape}."
            )
        top, left, height, width = self.placement(image.shape[0], image.shape[1])
        scaled = _scaled(self._toned(image), height, width)
        if self.enhancement is not None:
            scaled = self.enhancement.apply(scaled)
        if scaled.shape[:2] == self.size:
            return scaled
        page = np.zeros((*self.size, scaled.shape[2]), np.uint8)
        page[top : top + height, left : left + width] = scaled
        return page

    def finish(self, pixels: Pixels, levels: npt.NDArray[np.float64] | None = None) -> torch.Tensor:
        """The second half: float32 (channels, height, width) of what `pixels` gave.

        Args:
            pixels: uint8 (height, width, 1 or 3).
            levels: (256,), from 0 to 1: what each level is taken for, where training varies them.
        """
        tables = _tables(self) if levels is None else _normalised(self, levels)
        planes = np.empty((self.channels, *pixels.shape[:2]), np.float32)
        for channel, table in enumerate(tables):
            plane = pixels[..., min(channel, pixels.shape[2] - 1)]
            np.take(table, plane, out=planes[channel], mode="clip")  # its way without a copy
        return torch.from_numpy(planes)

    def placement(self, height: int, width: int) -> tuple[int, int, int, int]:
        """Where an image of this height and width comes to lie: (top, left, height, width).

        A map over the network's input is cut to it before it is laid over the image.

        Example:
            >>> Preprocessing((100, 100)).placement(400, 200)
            (0, 25, 100, 50)
        """
        rows, columns = self.size
        if self.fit == "stretch":
            return 0, 0, rows, columns
        scale = min(rows / height, columns / width)
        inner_rows = min(rows, max(1, round(height * scale)))
        inner_columns = min(columns, max(1, round(width * scale)))
        return (rows - inner_rows) // 2, (columns - inner_columns) // 2, inner_rows, inner_columns

    @property
    def pixels_key(self) -> str:
        """What `pixels` depends on, as a digest in hex; `mean` and `std` are not among it.

        How this installation's libraries compute is: planes of others are not taken for its own.
        """
        record = self._record()
        on_which = {key: record[key] for key in record if key not in {"mean", "std"}}
        made_up = [hashlib.sha256(self.pixels(image).tobytes()).hexdigest() for image in _made_up()]
        return json_digest({**on_which, "pixels": made_up})

    @property
    def fingerprint(self) -> str:
        """SHA-256 in hex of what comes out here for one made-up image."""
        return _fingerprint(self)

    def to_json(self) -> dict[str, Any]:
        """The record that is stored with a model; `from_json` reads it."""
        return {"record": _RECORD, **self._record(), "fingerprint": self.fingerprint}

    @classmethod
    def from_json(cls, record: object) -> Self:
        """Read a stored record, and make sure that it means the same here.

        Args:
            record: What `to_json` gave, or its text.

        Raises:
            PreprocessingRecordError: It is no such record, or this installation's arithmetic gives
                other numbers than the one that wrote it.
        """
        try:
            content: Any = json.loads(record) if isinstance(record, str) else record
            fingerprint = content["fingerprint"]
            read = cls(**_arguments(content))
        except (KeyError, TypeError, ValueError) as error:
            raise PreprocessingRecordError(
                f"This is no record of image preprocessing that can be followed here ({error}); "
                "nothing was loaded. Use the program's version that wrote it."
            ) from error
        if read.fingerprint != fingerprint:
            raise PreprocessingRecordError(
                "This installation would give the network other numbers than the one that trained "
                "it; nothing was loaded. Install the library versions that are stored with the "
                "model, or train it anew."
            )
        return read

    def _record(self) -> dict[str, Any]:
        return json.loads(json.dumps(asdict(self)))  # type: ignore[no-any-return] # as JSON says it, lists for tuples

    def _toned(self, image: npt.NDArray[np.uint8]) -> Pixels:
        red, green, blue = image[..., 0], image[..., 1], image[..., 2]
        if np.array_equal(red, green) and np.array_equal(red, blue):
            return red[..., None]
        if self.color_mode == "RGB":
            return image
        return np.asarray(Image.fromarray(image).convert("L"))[..., None]


def _is_side(side: object) -> bool:
    return isinstance(side, int) and 1 <= side <= _LARGEST_SIDE


def _scaled(planes: Pixels, height: int, width: int) -> Pixels:
    if planes.shape[:2] == (height, width):
        return np.ascontiguousarray(planes)
    flat = planes[..., 0] if planes.shape[2] == 1 else planes
    image = Image.fromarray(np.ascontiguousarray(flat))
    scaled = np.array(image.resize((width, height), Image.Resampling.BILINEAR))
    return scaled.reshape(height, width, planes.shape[2])


def _arguments(content: Mapping[str, Any]) -> dict[str, Any]:
    if content["record"] != _RECORD:
        raise ValueError("it is a record of something else")
    arguments = {key: content[key] for key in content if key not in {"record", "fingerprint"}}
    for name in ("size", "mean", "std"):
        arguments[name] = tuple(arguments[name])
    if arguments["enhancement"] is not None:
        arguments["enhancement"] = Enhancement(**arguments["enhancement"])
    return arguments


@lru_cache(maxsize=16)
def _tables(preprocessing: Preprocessing) -> npt.NDArray[np.float32]:
    """float32 (channels, 256): what each level becomes."""
    tables = _normalised(preprocessing, np.arange(256) / 255)
    tables.setflags(write=False)
    return tables


def _normalised(
    preprocessing: Preprocessing, levels: npt.NDArray[np.float64]
) -> npt.NDArray[np.float32]:
    pairs = zip(preprocessing.mean, preprocessing.std, strict=True)
    return np.stack([(levels - mean) / std for mean, std in pairs]).astype(np.float32)


@lru_cache(maxsize=16)
def _fingerprint(preprocessing: Preprocessing) -> str:
    digest = hashlib.sha256()
    for image in _made_up():
        digest.update(preprocessing.apply(image).numpy().astype("<f4").tobytes())
    return digest.hexdigest()


def _made_up() -> tuple[Pixels, Pixels]:
    """A coloured and a grey image that are the same everywhere."""
    row, column, plane = np.indices((97, 61, 3))
    colour = ((row * 7 + column * column * 3 + plane * 40 + row * column) % 256).astype(np.uint8)
    return colour, np.repeat(colour[..., :1], 3, axis=2)
