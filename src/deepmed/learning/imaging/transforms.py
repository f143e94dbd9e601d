"""What is done to an image on its way to the network, in training and in validation.

MONAI composes, draws and flips. What it has drawn is applied to the eight-bit planes that the cache
keeps: turning, shifting and zooming are one resampling, and changes of intensity treat equal levels
alike, so the 256 levels are changed, and one look into the resulting table changes a whole image.
Both take a fraction of the time of the same changes on an image of floating-point numbers.
"""

import math
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import torch
from monai.transforms import (
    Compose,
    RandAdjustContrast,
    RandAffineGrid,
    RandFlip,
    Randomizable,
    RandScaleIntensity,
    Transform,
)
from monai.transforms.utils import create_rotate, create_translate
from PIL import Image, ImageFilter

from deepmed.learning.imaging.preprocessing import Pixels, Preprocessing
from deepmed.learning.imaging.variation import USUAL, Edge, Variation

FLIP_PROBABILITY = 0.5
"""At strength 1 and above; it grows in proportion to the strength up to that."""
STRONGEST = 2.0
_LEVELS = np.arange(256) / 255
_RADIUS = (0.4, 1.2)
"""Of blur and sharpening, in pixels."""
_SHARPENING = 150
"""Per cent of what a blurred copy lacks."""


class TransformBuilder:
    """Builds the transforms of a run.

    A flip is off unless it is allowed: mirrored, a chest has its heart on the right and its
    markers of side reversed. Such hearts exist (situs inversus), but they are a finding, and a
    network that was shown them as healthy has learnt a wrong anatomy. Allow it where left and
    right do not differ.

    Args:
        preprocessing: Of the run; validation and use follow it to the bit.
        augmentation_strength: From 0 (training sees images as validation does) to 2.
        may_flip: Whether left and right may be exchanged in training.
        variation: How far images are varied at strength 1.

    Raises:
        ValueError: The strength is outside its range.

    Example:
        >>> builder = TransformBuilder(Preprocessing((8, 8)), augmentation_strength=1.0)
        >>> image = np.zeros((8, 8, 1), np.uint8)
        >>> builder.build_train_transforms()(image).shape
        torch.Size([3, 8, 8])
    """

    def __init__(
        self,
        preprocessing: Preprocessing,
        *,
        augmentation_strength: float = 1.0,
        may_flip: bool = False,
        variation: Variation = USUAL,
    ) -> None:
        if not 0 <= augmentation_strength <= STRONGEST:
            raise ValueError(f"augmentation_strength is from 0 to {STRONGEST:g}.")
        self.preprocessing = preprocessing
        self.augmentation_strength = augmentation_strength
        self.may_flip = may_flip
        self.variation = variation

    def build_train_transforms(self) -> Compose:
        """From uint8 planes (height, width, 1 or 3) to float32 (channels, height, width).

        A flip of every second image where it is allowed, at strength 1 and above; then rotation,
        shift and zoom, blur and noise, brightness, contrast and gamma, each by its part of the
        variation times the strength. Then the levels are normalised. It is random; `reseed` says
        by what.
        """
        strength = self.augmentation_strength
        if not strength:
            return self.build_val_transforms()
        steps: list[Transform] = []
        if self.may_flip:
            steps.append(MirroredAtRandom(FLIP_PROBABILITY * min(1.0, strength)))
        steps.append(PlacedAtRandom(self.preprocessing.size, strength, self.variation))
        if self.variation.blur_share:
            steps.append(FocusedAtRandom(min(1.0, self.variation.blur_share * strength)))
        if self.variation.noise_share:
            steps.append(NoisyAtRandom(self.variation.noise_share * strength))
        steps.append(LevelledAtRandom(self.preprocessing, strength, self.variation.level_share))
        return Compose(steps)

    def build_val_transforms(self) -> Compose:
        """From uint8 planes as above to exactly what `Preprocessing.apply` gives for the image."""
        return Compose([self.preprocessing.finish])


def reseed(transforms: Compose, seed: int) -> None:
    """Let what the transforms draw next follow from a seed alone.

    Args:
        transforms: As `TransformBuilder` builds them.
        seed: From 0 to 2**32 - 1.

    Example:
        >>> builder = TransformBuilder(Preprocessing((8, 8)))
        >>> transforms = builder.build_train_transforms()
        >>> image = np.arange(64, dtype=np.uint8).reshape(8, 8, 1)
        >>> reseed(transforms, 5)
        >>> first = transforms(image)
        >>> reseed(transforms, 5)
        >>> bool((transforms(image) == first).all())
        True
    """
    # Compose would make a new generator for every step and image, which takes longer than to turn
    # a small image. One generator, started anew, serves them all.
    transforms.R.seed(seed)
    for step in transforms.transforms:
        if isinstance(step, Randomizable) and step.R is not transforms.R:
            step.set_random_state(state=transforms.R)


class MirroredAtRandom(Randomizable, Transform):  # type: ignore[misc] # MONAI's types are not read
    """Exchanges left and right of some images.

    Args:
        probability: That it does.
    """

    def __init__(self, probability: float) -> None:
        self._flip = RandFlip(prob=probability, spatial_axis=1)

    def set_random_state(
        self, seed: int | None = None, state: np.random.RandomState | None = None
    ) -> Self:
        """As MONAI's transforms have it."""
        super().set_random_state(seed, state)
        self._flip.set_random_state(state=self.R)
        return self

    def randomize(self, data: Any = None) -> None:
        """As MONAI's transforms have it."""
        self._flip.randomize(data)

    def __call__(self, planes: Pixels) -> Pixels:
        """uint8 (height, width, planes) as before, perhaps mirrored."""
        self.randomize()
        mirrored = self._flip(torch.from_numpy(np.array(planes)).permute(2, 0, 1), randomize=False)
        return np.asarray(mirrored).transpose(1, 2, 0)


class PlacedAtRandom(Randomizable, Transform):  # type: ignore[misc] # MONAI's types are not read
    """Turns, shifts and zooms about the middle, in one resampling.

    Both sides are zoomed alike, unless the variation says otherwise: how wide a heart is to its
    chest must stay.

    Args:
        size: (height, width) of the images.
        strength: Of the augmentation.
        variation: What the strength multiplies.
    """

    def __init__(
        self, size: tuple[int, int], strength: float, variation: Variation = USUAL
    ) -> None:
        self._zoom = variation.zoom_share * strength
        self._stretch = variation.stretch_share * strength
        self._edge = variation.edge
        self._grid = RandAffineGrid(
            rotate_range=math.radians(variation.rotation_degrees) * strength,
            translate_range=tuple(variation.shift_share * strength * side for side in size),
        )

    def set_random_state(
        self, seed: int | None = None, state: np.random.RandomState | None = None
    ) -> Self:
        """As MONAI's transforms have it."""
        super().set_random_state(seed, state)
        self._grid.set_random_state(state=self.R)
        return self

    def randomize(self, data: Any = None) -> None:  # noqa: ARG002 - MONAI calls it so
        """As MONAI's transforms have it."""
        # MONAI's own way to the matrix wraps it in tensors with a history, ten times slower.
        self._grid.randomize()
        zoom = self.R.uniform(1 - self._zoom, 1 + self._zoom)
        turned = create_rotate(2, self._grid.rotate_params)
        self.matrix = turned @ create_translate(2, self._grid.translate_params)
        self.matrix[:2, :2] *= zoom
        if self._stretch:
            longer = math.exp(self.R.uniform(-self._stretch, self._stretch))
            self.matrix[0, :2] *= longer
            self.matrix[1, :2] /= longer

    def __call__(self, planes: Pixels) -> Pixels:
        """uint8 (height, width, planes) as before."""
        self.randomize()
        return resampled(planes, self.matrix, self._edge)


class FocusedAtRandom(Randomizable, Transform):  # type: ignore[misc] # MONAI's types are not read
    """Blurs some images and sharpens as many others, as other machines and scalings do.

    Args:
        probability: That an image is changed.
    """

    def __init__(self, probability: float) -> None:
        self._probability = probability

    def randomize(self, data: Any = None) -> None:  # noqa: ARG002 - MONAI calls it so
        """As MONAI's transforms have it."""
        chance = self.R.uniform() / self._probability
        self._blurs, self._sharpens = chance < 0.5, 0.5 <= chance < 1
        self._radius = self.R.uniform(*_RADIUS)

    def __call__(self, planes: Pixels) -> Pixels:
        """uint8 (height, width, planes) as before."""
        self.randomize()
        if self._blurs:
            return _filtered(planes, ImageFilter.GaussianBlur(self._radius))
        if self._sharpens:
            return _filtered(planes, ImageFilter.UnsharpMask(self._radius, _SHARPENING, 0))
        return planes


class NoisyAtRandom(Randomizable, Transform):  # type: ignore[misc] # MONAI's types are not read
    """Adds noise of a random strength to every pixel, the same to all planes of a grey image.

    Args:
        share: Largest standard deviation, as a share of all levels.
    """

    def __init__(self, share: float) -> None:
        self._most = 255 * share

    def randomize(self, data: Any) -> None:
        """As MONAI's transforms have it; `data` is the shape."""
        self._noise = self.R.standard_normal(data) * self.R.uniform(0, self._most)

    def __call__(self, planes: Pixels) -> Pixels:
        """uint8 (height, width, planes) as before."""
        self.randomize(planes.shape)
        noisy: Pixels = np.clip(np.rint(planes + self._noise), 0, 255).astype(np.uint8)
        return noisy


class LevelledAtRandom(Randomizable, Transform):  # type: ignore[misc] # MONAI's types are not read
    """Changes brightness, contrast and gamma, and normalises.

    Args:
        preprocessing: Whose mean and std normalise.
        strength: Of the augmentation.
        level_share: What the strength multiplies.
    """

    def __init__(
        self,
        preprocessing: Preprocessing,
        strength: float,
        level_share: float = USUAL.level_share,
    ) -> None:
        share = level_share * strength
        self._preprocessing = preprocessing
        self._gamma = RandAdjustContrast(prob=1.0, gamma=(1 - share, 1 + share))
        self._contrast = RandScaleIntensity(factors=share, prob=1.0)
        self._most_brightness = share
        self._brightness = 0.0

    def set_random_state(
        self, seed: int | None = None, state: np.random.RandomState | None = None
    ) -> Self:
        """As MONAI's transforms have it."""
        super().set_random_state(seed, state)
        self._gamma.set_random_state(state=self.R)
        self._contrast.set_random_state(state=self.R)
        return self

    def randomize(self, data: Any = None) -> None:
        """As MONAI's transforms have it."""
        self._gamma.randomize(data)
        self._contrast.randomize(data)
        self._brightness = self.R.uniform(-self._most_brightness, self._most_brightness)

    def __call__(self, planes: Pixels) -> torch.Tensor:
        """float32 (channels, height, width) of uint8 (height, width, planes)."""
        self.randomize()
        levels = _LEVELS**self._gamma.gamma_value * (1 + self._contrast.factor) + self._brightness
        return self._preprocessing.finish(planes, levels=np.clip(levels, 0, 1))


def resampled(planes: Pixels, matrix: npt.NDArray[np.float64], edge: Edge = "black") -> Pixels:
    """The planes as seen through a matrix, by bilinear interpolation.

    Args:
        planes: uint8 (height, width, 1 or 3).
        matrix: (3, 3), from a place in the result to the place in `planes` that it shows; both are
            (row, column, 1) in pixels from the middle.
        edge: What is seen of places outside: black, or the nearest pixel.

    Returns:
        uint8 of the same shape.

    Example:
        >>> one_down = np.array([[1, 0, -1], [0, 1, 0], [0, 0, 1]], float)
        >>> resampled(np.arange(1, 5, dtype=np.uint8).reshape(2, 2, 1), one_down)[..., 0].tolist()
        [[0, 0], [1, 2]]
    """
    height, width, count = planes.shape
    middle = np.array([height / 2, width / 2])
    linear = matrix[:2, :2]
    offset = matrix[:2, 2] + middle - linear @ middle
    if edge == "repeat":
        planes, before = _extended(planes, linear, offset)
        offset += before
    # Pillow speaks of (column, row), and of pixels' corners as MONAI's middle does.
    pillow = (*linear[1, ::-1], offset[1], *linear[0, ::-1], offset[0])
    image = Image.fromarray(planes[..., 0] if count == 1 else planes)
    placed = image.transform(
        (width, height),
        Image.Transform.AFFINE,
        tuple(map(float, pillow)),
        Image.Resampling.BILINEAR,
    )
    return np.array(placed).reshape(height, width, count)


def _extended(
    planes: Pixels, linear: npt.NDArray[np.float64], offset: npt.NDArray[np.float64]
) -> tuple[Pixels, npt.NDArray[np.int64]]:
    """The planes with as much repeated edge as the corners of the result look beyond them."""
    height, width = planes.shape[:2]
    corners = np.array([[0, 0, height, height], [0, width, 0, width]])
    seen = linear @ corners + offset[:, None]
    before = np.maximum(np.ceil(-seen.min(axis=1)), 0).astype(int) + 1
    after = np.maximum(np.ceil(seen.max(axis=1)) - (height, width), 0).astype(int) + 1
    around = ((before[0], after[0]), (before[1], after[1]), (0, 0))
    return np.pad(planes, around, mode="edge"), before


def _filtered(planes: Pixels, change: ImageFilter.Filter) -> Pixels:
    image = Image.fromarray(planes[..., 0] if planes.shape[2] == 1 else planes)
    changed: Pixels = np.array(image.filter(change)).reshape(planes.shape)
    return changed
