"""From a page to a transformer's pixels: a square on white, 224 by 224, in colour."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image as Pillow

from deepmed.learning.encoders.base import SIZE, Image, Prepared, check_image
from deepmed.learning.errors import ModelLoadingError

VERSION = "square-white-1"
_BICUBIC = int(Pillow.Resampling.BICUBIC)


@dataclass(frozen=True)
class Preprocessing:
    """What an encoder's preprocessor_config.json says about its pixels.

    Attributes:
        mean: what is taken from red, green and blue in [0, 1].
        std: by what the rest is divided.
        resample: Pillow's number of the filter that scales.
    """

    mean: tuple[float, ...]
    std: tuple[float, ...]
    resample: int

    @classmethod
    def read(cls, config: Mapping[str, Any]) -> "Preprocessing":
        """Read it from the file's content.

        Args:
            config: the content of preprocessor_config.json.

        Raises:
            ModelLoadingError: mean and standard deviation of three channels are not there.

        Example:
            >>> Preprocessing.read({"image_mean": [0.5] * 3, "image_std": [0.5] * 3}).resample
            3
        """
        mean, std = _channels(config.get("image_mean")), _channels(config.get("image_std"))
        if config.get("do_normalize") is False:
            mean, std = (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)
        if mean is None or std is None or min(std) <= 0:
            raise ModelLoadingError(
                "preprocessor_config.json does not give image_mean and image_std of three "
                "channels, without which the encoder would see other colours than it learned. "
                "Copy the file from where the weights come from."
            )
        resample = config.get("resample", _BICUBIC)
        return cls(
            mean=mean,
            std=std,
            resample=resample if resample in set(Pillow.Resampling) else _BICUBIC,
        )

    @property
    def version(self) -> str:
        """Names padding, filter, mean and deviation, so that another one is another encoder."""
        text = repr((self.mean, self.std, int(self.resample)))
        return f"{VERSION}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"

    def normalize(self, pixels: torch.Tensor) -> torch.Tensor:
        """(B, 3, 224, 224) pixels in [0, 1] as the encoder learned them; differentiable."""
        mean = torch.tensor(self.mean, device=pixels.device).view(1, 3, 1, 1)
        std = torch.tensor(self.std, device=pixels.device).view(1, 3, 1, 1)
        return (pixels - mean) / std


def prepare_square(images: Sequence[Image], resample: int) -> Prepared:
    """Pad each page to a square on white and scale it.

    Args:
        images: (H, W, 3) uint8 RGB, upright, on white.
        resample: Pillow's number of the filter.

    Returns:
        pixels (B, 3, 224, 224), frames (B, 4), extras (B, 2) with the page's width and height.

    Raises:
        EmbeddingGenerationError: an image is not of that kind.

    Example:
        >>> prepared = prepare_square([np.zeros((100, 200, 3), np.uint8)], resample=3)
        >>> prepared.frames[0].tolist(), prepared.pixels[0, 0, :, 0].mean().item()
        ([0.0, -50.0, 200.0, 150.0], 0.5)
    """
    for index, image in enumerate(images):
        check_image(image, index)
    squares = np.zeros((len(images), 3, SIZE, SIZE), dtype=np.uint8)
    frames = np.zeros((len(images), 4), dtype=np.float32)
    for row, image in enumerate(images):
        square, frames[row] = _square(image, resample)
        squares[row] = square.transpose(2, 0, 1)
    sizes = np.array([image.shape[1::-1] for image in images], dtype=np.float32).reshape(-1, 2)
    return Prepared(
        pixels=torch.from_numpy(squares).to(torch.float32) / 255,
        frames=torch.from_numpy(frames),
        extras=torch.from_numpy(sizes),
    )


def _square(image: Image, resample: int) -> tuple[Image, NDArray[np.float32]]:
    """Scaled first and padded after, so that a page of 1 by 100,000 stays small."""
    page = Pillow.fromarray(image)
    longest = max(page.size)
    width, height = (max(1, round(side * SIZE / longest)) for side in page.size)
    left, top = (SIZE - width) // 2, (SIZE - height) // 2
    square = Pillow.new("RGB", (SIZE, SIZE), "white")
    square.paste(page.resize((width, height), resample, reducing_gap=3.0), (left, top))
    scale = longest / SIZE
    corner = np.array([-left, -top, SIZE - left, SIZE - top], dtype=np.float32)
    return np.asarray(square), (corner * scale).astype(np.float32)


def _channels(values: Any) -> tuple[float, ...] | None:
    if not isinstance(values, list) or len(values) != 3:
        return None
    numbers = [value for value in values if isinstance(value, int | float)]
    return tuple(map(float, numbers)) if len(numbers) == 3 else None
