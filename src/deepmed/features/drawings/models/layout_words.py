"""What the subject's columns bring, in words; only what lies beyond the interval is a verdict."""

from collections.abc import Mapping, Sequence
from typing import Any

SUBJECT = "visual+subject"
RIVALS = {
    "difference_to_visual": "the picture's vector alone",
    "difference_to_age": "the vector with the age",
}


def layouts_in_words(rows: Sequence[Mapping[str, Any]] | None) -> str:
    """Whether the columns of the subject help to find planted anomalies, in folds by child.

    Args:
        rows: what `selection.compare_layouts` found; empty where too few children were there, and
            null where nobody asked. An earlier state of the program had one rival only.
    """
    if rows is None:
        return "What columns for the subject bring was not measured."
    found = next((row for row in rows if row["layout"] == SUBJECT), None)
    if found is None:
        return "Too few children to say what columns for the subject bring."
    told = [f"{_verdict(found[key])} {rival}" for key, rival in RIVALS.items() if key in found]
    said = f"With columns for the subject, planted anomalies are found {' and '.join(told)}."
    unknown = [rival for key, rival in RIVALS.items() if key not in found]
    return f"{said} Beside {' and '.join(unknown)} it was not measured." if unknown else said


def beats(difference: Mapping[str, Any]) -> bool:
    """Whether a difference's interval lies wholly above zero."""
    return difference["low"] is not None and difference["low"] > 0


def _verdict(difference: Mapping[str, Any]) -> str:
    if beats(difference):
        return "better, beyond chance, than with"
    if difference["high"] is not None and difference["high"] < 0:
        return "worse, beyond chance, than with"
    return "neither better nor worse beyond chance than with"
