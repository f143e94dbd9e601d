"""Looking on while a model and its twin are fitted, and going on where a fit was interrupted."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

    from deepmed.learning.autoencoder import EpochReport


class FitWatch:
    """Told of every epoch, and asked for checkpoints; this one keeps none.

    Only the autoencoder has epochs: the other detectors are fitted at once. `part` is `model` or
    `twin`. Whatever a method raises ends the fit.

    Example:
        >>> FitWatch().load("model") is None
        True
    """

    def epoch(self, part: str, report: "EpochReport") -> None:
        """After every epoch."""

    def load(self, part: str) -> "dict[str, Tensor] | None":  # noqa: ARG002 - keeps none
        """The checkpoint of an interrupted fit on the same rows; None begins anew."""
        return None

    def save(self, part: str, checkpoint: "dict[str, Tensor]") -> None:
        """Every ten epochs: a flat dict of tensors, which safetensors can store."""
