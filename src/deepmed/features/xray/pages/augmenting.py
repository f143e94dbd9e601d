"""What training sees of an image, as a person can look at it."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from threading import Lock

import numpy as np
import torch

from deepmed.features.xray.configuration import XrayConfig
from deepmed.features.xray.configuration.settings import preprocessing_of, variation_of
from deepmed.kit import seeds
from deepmed.kit.pictures import Pixels
from deepmed.learning.imaging import Preprocessing, TransformBuilder
from deepmed.learning.imaging.transforms import reseed

LARGEST_SIDE = 512
"""More than this a person does not see, and it takes a server's time."""
_ONE_AT_A_TIME = Lock()


def views(
    images: Sequence[Pixels], config: XrayConfig, times: int
) -> Iterator[tuple[Pixels, list[Pixels]]]:
    """Each image as validation sees it, and several times as training may see it.

    The same settings give the same views: the seed is the training's. Larger images than
    `LARGEST_SIDE` are shown smaller, and one view is made after another, whoever asks.
    """
    with _ONE_AT_A_TIME:
        yield from [*_views(images, config, times)]


def _views(
    images: Sequence[Pixels], config: XrayConfig, times: int
) -> Iterator[tuple[Pixels, list[Pixels]]]:
    chosen = config.experiment
    preprocessing = _shown_smaller(preprocessing_of(config))
    builder = TransformBuilder(
        preprocessing,
        augmentation_strength=chosen.augmentation_strength,
        may_flip=chosen.may_flip,
        variation=variation_of(config),
    )
    plain, changed = builder.build_val_transforms(), builder.build_train_transforms()
    reseed(changed, seeds.derive(config.system.seed, "xray-preview") % 2**32)
    for image in images:
        planes = preprocessing.pixels(image)
        yield (
            _seen(plain(planes), preprocessing),
            [_seen(changed(planes), preprocessing) for _ in range(times)],
        )


def _shown_smaller(preprocessing: Preprocessing) -> Preprocessing:
    share = min(1.0, LARGEST_SIDE / max(preprocessing.size))
    height, width = (max(1, round(side * share)) for side in preprocessing.size)
    return replace(preprocessing, size=(height, width))


def _seen(tensor: torch.Tensor, preprocessing: Preprocessing) -> Pixels:
    """Back from what the network is given to levels that a screen shows."""
    mean, std = (
        torch.tensor(each).reshape(-1, 1, 1) for each in (preprocessing.mean, preprocessing.std)
    )
    levels = (tensor * std + mean).clamp(0, 1).mul(255).round().to(torch.uint8)
    planes = levels.permute(1, 2, 0).numpy()
    return np.ascontiguousarray(np.broadcast_to(planes, (*planes.shape[:2], 3)))
