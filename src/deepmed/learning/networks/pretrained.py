"""Pretrained weights from a file: safetensors alone, named by their SHA-256."""

import hashlib
import logging
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from safetensors import SafetensorError
from safetensors.torch import load

from deepmed.learning.errors import ModelLoadingError
from deepmed.learning.networks.backbone import Backbone
from deepmed.learning.networks.settings import NetworkSettings

_logger = logging.getLogger(__name__)
_HUB_FILE = "model.safetensors"
MEAN = (0.485, 0.456, 0.406)
DEVIATION = (0.229, 0.224, 0.225)
"""Of ImageNet's colours in [0, 1], by which the images were normalised that such weights saw."""


@dataclass(frozen=True)
class WeightsRecord:
    """Where a network's first weights come from; a run keeps it.

    Attributes:
        source: ``random``, ``file`` or ``hub``.
        statement: the same in a sentence for people.
        file: its name.
        sha256: of the file's bytes, in hex.
        loaded: how many tensors of the file the backbone took.
        left_out: names in the file that were not taken: its classifier, and a stem of another size.
        summed_colours: whether the first convolution's weights were summed over the colours: a
            grey image then gives what three equal colours would give the network of the file.
        mean: of each colour, that the weights expect images to be normalised by.
        deviation: likewise; with random weights, none is expected.

    Example:
        >>> WeightsRecord.of_random().to_json()["source"]
        'random'
    """

    source: Literal["random", "file", "hub"]
    statement: str
    file: str | None = None
    sha256: str | None = None
    loaded: int = 0
    left_out: tuple[str, ...] = ()
    summed_colours: bool = False
    mean: tuple[float, ...] | None = None
    deviation: tuple[float, ...] | None = None

    @classmethod
    def of_random(cls, reason: str = "no pretrained weights were given") -> "WeightsRecord":
        """The record of a network that begins with random weights."""
        return cls("random", f"The network began with random weights: {reason}.")

    def to_json(self) -> dict[str, Any]:
        """The record as JSON."""
        facts = asdict(self)
        return {
            key: list(value) if isinstance(value, tuple) else value for key, value in facts.items()
        }


def load_pretrained(backbone: Backbone, settings: NetworkSettings) -> WeightsRecord:
    """Put a file's weights into a backbone, or say that they are random.

    Args:
        backbone: it is changed.
        settings: with the file, or none.

    Returns:
        What the run has to keep.

    Raises:
        ModelLoadingError: the file cannot be read, is no safetensors file, has another SHA-256
            than asked for, or does not fit the network. The backbone is unchanged.

    Example:
        >>> from deepmed.learning.networks.resnet import ResNet
        >>> settings = NetworkSettings("resnet18", width=4)
        >>> load_pretrained(ResNet("resnet18", width=4), settings).source
        'random'
    """
    if settings.weights is not None:
        return _load(backbone, settings, settings.weights, settings.weights.name)
    if settings.hub is None:
        return WeightsRecord.of_random()
    try:
        path = _fetch(settings.hub)
    except OSError as error:
        _logger.warning("The weights of %s could not be fetched: %s", settings.hub, error)
        return WeightsRecord.of_random(
            f"those of {settings.hub} could not be fetched ({type(error).__name__})"
        )
    return _load(backbone, settings, path, f"{settings.hub}/{_HUB_FILE}")


def _fetch(repository: str) -> Path:
    """The file in the hub's cache on this machine; fetched if it is not there.

    Raises:
        OSError: the hub cannot be reached, or has no such file.
        ModelLoadingError: the name cannot be one of the hub.
    """
    import huggingface_hub  # noqa: PLC0415 - only who asks for it waits for it

    try:
        return Path(huggingface_hub.hf_hub_download(repository, _HUB_FILE))
    except ValueError as error:
        raise ModelLoadingError(
            f"{repository!r} is no name of the hub ({error}). Nothing was loaded. Give it as "
            "owner/name."
        ) from error


def _load(backbone: Backbone, settings: NetworkSettings, path: Path, name: str) -> WeightsRecord:
    content = _read(path)
    found = hashlib.sha256(content).hexdigest()
    if settings.weights_sha256 not in {None, found}:
        raise ModelLoadingError(
            f"{name} has the SHA-256 {found} and not the {settings.weights_sha256} that was asked "
            "for. Nothing was loaded. Fetch the file again from where it came from."
        )
    taken, left_out = translated(backbone, _tensors(content, path))
    summed = _fit_colours(taken, backbone, settings)
    stem = _drop_other_stem(taken, backbone, settings)
    _fill(backbone, taken, stem, path)
    grey = settings.channels == 1
    return WeightsRecord(
        source="file" if settings.weights else "hub",
        statement=f"The network began with the weights of {name} ({found}).",
        file=name,
        sha256=found,
        loaded=len(taken),
        left_out=tuple(sorted(left_out + stem)),
        summed_colours=summed,
        mean=(sum(MEAN) / 3,) if grey else MEAN,
        deviation=(sum(DEVIATION) / 3,) if grey else DEVIATION,
    )


def translated(
    backbone: Backbone, tensors: Mapping[str, torch.Tensor]
) -> tuple[dict[str, torch.Tensor], list[str]]:
    """A file's tensors by the names that the backbone has for them.

    Args:
        backbone: whose names are asked for.
        tensors: by torchvision's names, where it has this network.

    Returns:
        Tensors by name here, and the names that belong to the file's own classifier.

    Example:
        >>> from deepmed.learning.networks.resnet import ResNet
        >>> translated(ResNet("resnet18", width=4), {"fc.bias": torch.zeros(1000)})
        ({}, ['fc.bias'])
    """
    names = {name: backbone.translate(name) for name in tensors}
    taken = {ours: tensors[name] for name, ours in names.items() if ours is not None}
    return taken, [name for name, ours in names.items() if ours is None]


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ModelLoadingError(
            f"The weights in {path} cannot be read ({error.strerror}). Nothing was loaded. Give "
            "the file's right place, or none: the network then begins with random weights."
        ) from error


def _tensors(content: bytes, path: Path) -> dict[str, torch.Tensor]:
    try:
        found: dict[str, torch.Tensor] = load(content)
    except SafetensorError as error:
        raise ModelLoadingError(
            f"{path.name} is no safetensors file ({error}). Nothing was loaded: what torch.save "
            "writes can run code when it is opened. Take the weights as safetensors."
        ) from error
    return found


def _fit_colours(
    taken: dict[str, torch.Tensor], backbone: Backbone, settings: NetworkSettings
) -> bool:
    first = backbone.first_convolution()
    weight = taken.get(first)
    if settings.channels != 1 or weight is None or weight.ndim != 4 or weight.shape[1] != 3:
        return False
    taken[first] = weight.sum(dim=1, keepdim=True)
    return True


def _drop_other_stem(
    taken: dict[str, torch.Tensor], backbone: Backbone, settings: NetworkSettings
) -> list[str]:
    """A 3x3 stem has no use for a 7x7 one's weights; it stays random, and the record says so."""
    first = backbone.first_convolution()
    wanted = backbone.state_dict()[first].shape
    if settings.stem == "3x3" and first in taken and taken[first].shape != wanted:
        del taken[first]
        return [first]
    return []


def _fill(backbone: Backbone, taken: dict[str, torch.Tensor], stem: list[str], path: Path) -> None:
    own = backbone.state_dict()
    # Counters of batches are in some files and not in others, and nothing is computed from them.
    needed = {name for name in own if not name.endswith("num_batches_tracked")} - set(stem)
    other = {name for name, one in taken.items() if name not in own or own[name].shape != one.shape}
    wrong = sorted((needed - set(taken)) | other)
    if wrong:
        more = f" and {len(wrong) - 3} more" if len(wrong) > 3 else ""
        raise ModelLoadingError(
            f"The weights in {path.name} do not fit this network: {', '.join(wrong[:3])}{more} "
            "are missing, unknown or of another shape. Nothing was loaded. Take the weights of the "
            "network that was asked for."
        )
    backbone.load_state_dict(taken, strict=False)
