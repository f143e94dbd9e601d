"""What the layouts of the built-in encoders share: where a block lies, and what names them."""

from collections.abc import Mapping
from typing import Any


def slices_of(lengths: Mapping[str, int]) -> dict[str, slice]:
    """Where each block lies in a vector that holds them one after the other.

    Args:
        lengths: how many numbers each block has, in their order.

    Example:
        >>> slices_of({"first": 3, "second": 2})["second"]
        slice(3, 5, None)
    """
    slices, start = {}, 0
    for name, length in lengths.items():
        slices[name] = slice(start, start + length)
        start += length
    return slices


def constants_of(names: Mapping[str, Any]) -> dict[str, Any]:
    """The public constants among a module's names: what a layout's hash is made of.

    Args:
        names: the module's `globals()`.

    Example:
        >>> constants_of({"SIZE": 224, "_KEPT": 1, "json": None})
        {'SIZE': 224}
    """
    return {name: value for name, value in names.items() if name.isupper() and name[0] != "_"}
