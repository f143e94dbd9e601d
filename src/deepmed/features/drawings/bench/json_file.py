"""The result as a JSON file: indented for people, rows of numbers on one line."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from deepmed.kit.files import write_atomically


def write_result(path: Path, result: Mapping[str, Any]) -> None:
    """Write a result whole or not at all."""
    write_atomically(path, (to_text(result) + "\n").encode())


def to_text(value: Any, depth: int = 0) -> str:
    """JSON of a value of JSON's own types.

    Raises:
        ValueError: a number is not finite.
    """
    inner, outer = "\n" + " " * (depth + 1), "\n" + " " * depth
    if isinstance(value, Mapping) and any(map(_deep, value.values())):
        pairs = (f"{json.dumps(str(key))}: {to_text(one, depth + 1)}" for key, one in value.items())
        return "{" + inner + f",{inner}".join(pairs) + outer + "}"
    if isinstance(value, (list, tuple)) and any(isinstance(one, Mapping) for one in value):
        return (
            "[" + inner + f",{inner}".join(to_text(one, depth + 1) for one in value) + outer + "]"
        )
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def _deep(value: Any) -> bool:
    return isinstance(value, (Mapping, list, tuple))
