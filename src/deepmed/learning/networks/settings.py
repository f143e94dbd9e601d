"""What a network is built from; nothing here needs torch."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from deepmed.learning.networks.errors import NetworkChoiceError
from deepmed.learning.networks.names import OURS, RESNETS, VGGS, check_network

Stem = Literal["7x7", "3x3"]
USUAL_WIDTH = 64
_FIXED = set(OURS) - set(RESNETS + VGGS)


@dataclass(frozen=True)
class NetworkSettings:
    """What decides a network and its first weights, beside the seed.

    Attributes:
        name: of the backbone, see :func:`available_networks`.
        channels: colours of an image: 3, or 1 for grey.
        classes: outputs: 1 is one logit for a yes or no, more are one logit a class.
        dropout: share of the head's numbers that are left out while training.
        head: widths of the hidden layers between backbone and output.
        stem: ``7x7`` halves the side with its first convolution, as published; ``3x3`` keeps it,
            for small images. Backbones that begin with 3x3 at half the side then begin at full
            side; VGG always does.
        max_pool: whether the stem halves the side once more. Backbones without such a pooling
            have none either way.
        width: channels of the first stage; 64 is as published. ResNet and VGG can be narrower.
        weights: safetensors file with pretrained weights, or none: then they are random.
        hub: repository of the Hugging Face hub, ``owner/name``, that is asked for
            ``model.safetensors`` where no file is given. Where it cannot be reached, the weights
            are random, and the record says so.
        weights_sha256: what the file must hash to, in hex; not asked for if it is not given.
        fine_tune_layers: how many of the last layers of the backbone are trained from the start;
            none (``None``) are frozen, 0 freezes all of the backbone.

    Raises:
        NetworkChoiceError: a name is unknown, or a value is outside its range.

    Example:
        >>> small = NetworkSettings("resnet18", stem="3x3", max_pool=False)
        >>> NetworkSettings.from_json(small.to_json()) == small
        True
        >>> NetworkSettings(dropout=1.5)
        Traceback (most recent call last):
        ...
        deepmed.learning.networks.errors.NetworkChoiceError: dropout must be ...
    """

    name: str = "resnet50"
    channels: int = 3
    classes: int = 1
    dropout: float = 0.3
    head: tuple[int, ...] = (512,)
    stem: Stem = "7x7"
    max_pool: bool = True
    width: int = USUAL_WIDTH
    weights: Path | None = None
    hub: str | None = None
    weights_sha256: str | None = None
    fine_tune_layers: int | None = None

    def __post_init__(self) -> None:
        check_network(self.name)
        _demand(self.channels in {1, 3}, "channels must be 1 or 3")
        _demand(self.classes >= 1, "classes must be at least 1")
        _demand(0 <= self.dropout < 1, "dropout must be at least 0 and below 1")
        _demand(all(width >= 1 for width in self.head), "each width of the head must be at least 1")
        _demand(self.stem in get_args(Stem), f"stem must be one of {', '.join(get_args(Stem))}")
        _demand(self.width >= 1, "width must be at least 1")
        _demand(
            self.width == USUAL_WIDTH or self.name not in _FIXED,
            f"width must be {USUAL_WIDTH} for {self.name}: only ResNet and VGG can be narrower",
        )
        _demand((self.fine_tune_layers or 0) >= 0, "fine_tune_layers must be at least 0")

    def to_json(self) -> dict[str, Any]:
        """All settings as JSON; of the weights' path the file's name."""
        named = dataclasses.asdict(self)
        named["weights"] = self.weights.name if self.weights else None
        return named | {"head": list(self.head)}

    @classmethod
    def from_json(cls, facts: Mapping[str, Any]) -> "NetworkSettings":
        """Settings of the same network.

        Args:
            facts: what :meth:`to_json` gave.

        Raises:
            NetworkChoiceError: a key is unknown or a value is outside its range.
        """
        unknown = sorted(set(facts) - {field.name for field in dataclasses.fields(cls)})
        _demand(not unknown, f"these settings of a network are unknown: {', '.join(unknown)}")
        path = facts.get("weights")
        return cls(
            **{
                **facts,
                "head": tuple(facts.get("head", (512,))),
                "weights": Path(path) if path else None,
            }
        )


def _demand(holds: bool, otherwise: str) -> None:  # noqa: FBT001 - the condition is what it is about
    if not holds:
        raise NetworkChoiceError(f"{otherwise}. Nothing was built.")
