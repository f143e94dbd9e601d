"""A model's stored figures, with a place for every one that pages and reports ask for.

Not every model was measured alike: the one over all groups has sizes and a choice, one that came
from a training on a folder has sizes, and an earlier state of the program knew fewer figures.
"""

from collections.abc import Mapping
from typing import Any

NOT_MEASURED = {
    "estimate": None,
    "low": None,
    "high": None,
    "reason": "this was not asked when the model was trained",
}
NOT_COMPARED = {
    "reason": "How it compares with other detectors was not kept with it.",
    "rows": [],
}
LEAST: dict[str, Any] = {
    "age_specificity": NOT_MEASURED,
    "planted": NOT_MEASURED,
    "power": {},
    "contamination": [],
    "left_out": [],
    "layouts": None,
}


def completed(stored: Mapping[str, Any]) -> dict[str, Any]:
    """The figures as they are stored; what is missing says that it was not measured."""
    return {**LEAST, **stored, "selection": {**NOT_COMPARED, **stored.get("selection", {})}}
