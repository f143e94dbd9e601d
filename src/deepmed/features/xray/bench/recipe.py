"""What is trained, and how much of it: chosen on images of training and validation alone."""

from collections.abc import Sequence
from dataclasses import dataclass

from deepmed.features.xray.configuration import ConfigManager

RECIPE = (
    "img_size=28,28",
    "color_mode=L",
    "use_imagenet_norm=false",
    "network=resnet18",
    "stem=3x3",
    "max_pool=true",
    "width=32",
    "epochs=30",
    "batch_size=64",
    "learning_rate=0.001",
    "scheduler=one_cycle",
    "device=cpu",
)
"""As `deepmed xray train --set` takes it; what is not named is the default."""


@dataclass(frozen=True)
class Effort:
    """How much is measured.

    Attributes:
        quick: whether the result says that it is no full run.
        overrides: what differs from the recipe.
        variant_overrides: what differs in trainings that compare variants.
        resamples: of each interval.
        loading_images: through which the loader is measured.
        loading_repeats: of each of its timings.
    """

    quick: bool = False
    overrides: Sequence[str] = ()
    variant_overrides: Sequence[str] = ("epochs=10",)
    resamples: int = 1000
    loading_images: int = 512
    loading_repeats: int = 5


FULL = Effort()
QUICK = Effort(
    quick=True,
    overrides=("epochs=2", "width=8"),
    variant_overrides=("epochs=1", "width=8"),
    resamples=100,
    loading_images=64,
    loading_repeats=1,
)


def configured(effort: Effort, seed: int, *more: str) -> ConfigManager:
    """The recipe with a seed and what else differs."""
    counted = (f"seed={seed}", f"resamples={effort.resamples}")
    return ConfigManager.load(overrides=[*RECIPE, *effort.overrides, *counted, *more])
