"""Figures that say why, where they cannot be had."""

from collections.abc import Callable
from typing import Any

from deepmed.learning.errors import InsufficientDataError
from deepmed.learning.evaluation.interval import Interval


def measured(figure: Callable[[], Interval]) -> dict[str, Any]:
    """A figure as a dictionary; where children are too few for it, null with the reason."""
    try:
        return {**figure().to_dict(), "reason": None}
    except InsufficientDataError as error:
        return {"estimate": None, "low": None, "high": None, "reason": str(error)}
