"""A training between two epochs as one safetensors file: tensors, and the rest as JSON beside them.

Lightning would pickle it with ``torch.save``. Here nothing but numbers, texts, lists, tuples and
dicts of them can be in a checkpoint, so that opening one runs no code.
"""

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load, save

from deepmed.kit.files import write_atomically
from deepmed.learning.classification.errors import CheckpointError

EXTENSION = ".safetensors"
_KEY = "deepmed.checkpoint"
_VERSION = 1


def write_checkpoint(checkpoint: Mapping[str, Any], path: Path) -> None:
    """Write a checkpoint whole or not at all.

    Args:
        checkpoint: tensors, numbers, texts, lists, tuples and dicts of them.
        path: where; what was there before stays until the new one is complete.

    Raises:
        CheckpointError: something of another type is in it; nothing was written.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = Path(folder, "one.safetensors")
        ...     write_checkpoint({"epoch": 1, "weights": [torch.ones(2)]}, path)
        ...     read_checkpoint(path)
        {'epoch': 1, 'weights': [tensor([1., 1.])]}
    """
    tensors: dict[str, torch.Tensor] = {}
    told = json.dumps({"version": _VERSION, "content": _packed(dict(checkpoint), tensors, "")})
    write_atomically(path, save(tensors, metadata={_KEY: told}))


def read_checkpoint(path: Path) -> dict[str, Any]:
    """Read what :func:`write_checkpoint` wrote, with its types.

    Args:
        path: of the file.

    Returns:
        The checkpoint; its tensors are on the CPU.

    Raises:
        CheckpointError: there is none, it is damaged, or it is of another program.
    """
    try:
        with safe_open(path, framework="pt") as file:
            told = json.loads((file.metadata() or {})[_KEY])
        tensors: dict[str, torch.Tensor] = load(path.read_bytes())
        content = _unpacked(told["content"], tensors)
    except (OSError, KeyError, ValueError, TypeError, SafetensorError) as error:
        raise CheckpointError(
            f"The checkpoint {path} cannot be read ({error}). Nothing was resumed. Take an earlier "
            "checkpoint, or start the training anew. A file that torch.save wrote is not opened."
        ) from error
    found: dict[str, Any] = content
    return found


def _packed(value: Any, tensors: dict[str, torch.Tensor], place: str) -> Any:
    """JSON that says each type: plain values are themselves, all else is a dict of one key."""
    match value:
        case None | bool() | str():
            return value
        case torch.Tensor():
            name = f"{place}#{len(tensors)}"
            tensors[name] = value.detach().cpu().clone(memory_format=torch.contiguous_format)
            return {"tensor": name}
        case int() | float() if type(value) in {int, float}:
            return value if math.isfinite(value) else {"float": str(value)}
        case Mapping():
            return {"map": _pairs(value, tensors, place)}
        case tuple():
            return {"tuple": [_packed(one, tensors, place) for one in value]}
        case list():
            return [_packed(one, tensors, place) for one in value]
        case _:
            raise CheckpointError(
                f"A checkpoint cannot hold the {type(value).__name__} at {place or 'its top'}. "
                "Nothing was written. Only numbers, texts, tensors, lists and dicts can be kept."
            )


def _pairs(value: Mapping[Any, Any], tensors: dict[str, torch.Tensor], place: str) -> list[Any]:
    """Keys may be numbers, which JSON's objects would turn into texts."""
    return [
        [_packed(key, tensors, place), _packed(one, tensors, f"{place}/{key}")]
        for key, one in value.items()
    ]


def _unpacked(value: Any, tensors: Mapping[str, torch.Tensor]) -> Any:
    if isinstance(value, list):
        return [_unpacked(one, tensors) for one in value]
    if not isinstance(value, dict):
        return value
    ((kind, content),) = value.items()
    match kind:
        case "tensor":
            return tensors[content]
        case "float":
            return float(content)
        case "tuple":
            return tuple(_unpacked(one, tensors) for one in content)
        case "map":
            return {_unpacked(key, tensors): _unpacked(one, tensors) for key, one in content}
        case _:
            raise ValueError(f"there is no {kind!r} in a checkpoint")
