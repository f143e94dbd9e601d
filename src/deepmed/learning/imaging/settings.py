"""How images are loaded."""

from dataclasses import dataclass, field
from pathlib import Path

from deepmed.learning.imaging.rejections import Minimum
from deepmed.learning.imaging.variation import USUAL, Variation

GIB = 2**30
TRAINING_MINIMUM = Minimum(share=0.5, images=4, classes=2)
"""Half of the rows, four images, two classes: below that nothing is learnt."""
OTHER_MINIMUM = Minimum(share=0.5, images=1)


@dataclass(frozen=True)
class DataSettings:
    """What a run says about loading.

    Attributes:
        batch_size: Images a step.
        workers: Processes that load beside the one that trains; 0 loads in it.
        seed: Of order and augmentation.
        augmentation_strength: From 0 to 2, see `TransformBuilder`.
        variation: How far images are varied at strength 1.
        may_flip: Whether left and right may be exchanged; not for chests.
        cache_folder: Where decoded images are kept for later runs, or nowhere.
        cache_limit_bytes: How large that folder may grow.
        memory_limit_bytes: How much decoded images of one run may take in memory. What does not
            fit comes from the folder, and without one from the decoder.
        reader: Name and version of what reads files. Cached images of another are not used.
        training_minimum: Below which the training part is refused.
        other_minimum: The same for validation and test.
        pin_memory: Copy batches where a graphics card reaches them faster; without one ignored.
        persistent_workers: Keep the processes from one epoch to the next.
        prefetch_factor: Batches that each process prepares ahead.

    Raises:
        ValueError: A value is outside its range.

    Example:
        >>> DataSettings(batch_size=8).workers
        0
    """

    batch_size: int = 32
    workers: int = 0
    seed: int = 0
    augmentation_strength: float = 1.0
    may_flip: bool = False
    cache_folder: Path | None = None
    cache_limit_bytes: int = 20 * GIB
    memory_limit_bytes: int = GIB
    reader: str = ""
    training_minimum: Minimum = field(default=TRAINING_MINIMUM)
    other_minimum: Minimum = field(default=OTHER_MINIMUM)
    variation: Variation = USUAL
    pin_memory: bool = False
    persistent_workers: bool = False
    prefetch_factor: int = 2

    def __post_init__(self) -> None:
        if self.batch_size < 1 or self.prefetch_factor < 1:
            raise ValueError("batch_size and prefetch_factor are at least 1.")
        if min(self.workers, self.seed, self.cache_limit_bytes, self.memory_limit_bytes) < 0:
            raise ValueError("workers, seed and the limits are not negative.")
        if not 0 <= self.augmentation_strength <= 2:
            raise ValueError("augmentation_strength is from 0 to 2.")
