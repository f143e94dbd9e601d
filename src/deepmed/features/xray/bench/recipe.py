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
    "epochs=32",
    "early_stopping_patience=32",
    "batch_size=64",
    "learning_rate=0.003",
    "scheduler=one_cycle",
    "use_custom_preprocessing=true",
    "contrast_stretch=false",
    "equal_histogram=true",
    "zoom_share=0.25",
    "stretch_share=0.1",
    "blur_share=0.5",
    "noise_share=0.05",
    "image_edge=repeat",
    "device=cpu",
    "channels_last=true",
)
"""As `deepmed xray train --set` takes it; what is not named is the default.

Chosen on training and validation images alone, by how well images are told apart whose levels and
sharpness are unlike those that were trained on, and copies that were zoomed, blurred or lit
otherwise: evened levels and wide variation, long enough that the last epochs settle.
"""


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
    variant_overrides: Sequence[str] = ("epochs=15", "width=16")
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
