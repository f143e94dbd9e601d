"""What a card says of its map: what it shows, and how far it may be trusted."""

from collections.abc import Mapping
from typing import Any

from deepmed.features.drawings.explanation.methods import MeasuredOn
from deepmed.features.drawings.explanation.stored import StoredExplanation
from deepmed.features.drawings.words import CONTROL_WORDS
from deepmed.learning.limits import LIKENESS as LIMIT
from deepmed.web.charts import Table

NO_MAP = "No map: no single place on the page raises its score."


def caption(explanation: StoredExplanation) -> str:
    """One line under the map: what it shows, or why it must not be relied on."""
    if not explanation.regions:
        return NO_MAP
    return trust_in_words(explanation.faithfulness, explanation.row.method)


def trust_in_words(trust: Mapping[str, Any], method: str) -> str:
    """How faithful a map is, with its figure beside that of a random order.

    Args:
        trust: the figures of the map, or of the model's maps.
        method: how the map was made.
    """
    if trust["faithful"] is None:
        return "What raises its score. How faithful this map is was not measured."
    own, chance = trust["scores"][method], trust["scores"]["random"]
    figures = f"{_two(own)}, random order {_two(chance)}"
    if trust["measured_on"] == MeasuredOn.MODEL:
        figures += f"; this model's maps of {trust['drawings']} other drawings"
    if trust["faithful"]:
        return f"What raises its score (faithfulness {figures})"
    return f"This map is not faithful to the score ({figures}){_stays(trust)}"


def _stays(trust: Mapping[str, Any]) -> str:
    found = likeness(trust)
    if found is None or found < LIMIT:
        return ""
    return f": a model that knows nothing gives one much like it (rank correlation {_two(found)})"


def likeness(trust: Mapping[str, Any]) -> float | None:
    """The rank correlation with maps of a detector that knows nothing; null where there is none."""
    found = trust.get("randomised")
    return found["estimate"] if isinstance(found, Mapping) else found


def trust_tables(explanation: StoredExplanation) -> list[tuple[str, Table]]:
    """The figures behind the caption."""
    trust = explanation.faithfulness
    if not trust["scores"]:
        return [("How far to trust the map", Table(["Not measured"], [[trust["reason"]]]))]
    rows: list[list[object]] = [
        [CONTROL_WORDS.get(name, "this map"), score]
        for name, score in sorted(trust["scores"].items(), key=lambda item: -item[1])
    ]
    columns = ["Order of the patches", "Insertion less deletion (higher is better)"]
    found = [("How far to trust the map", Table(columns, rows))]
    alike = likeness(trust)
    if alike is not None:
        columns = ["Compared with", "Rank correlation (faithful maps lie below 0.5)"]
        row: list[object] = ["the same map of a model that knows nothing", alike]
        found.append(("Whether the map needs the model", Table(columns, [row])))
    return found


def places(explanation: StoredExplanation) -> Table:
    """The places that raise the score most, with the ink in them."""
    return Table(
        ["Place", "Share of what raises the score", "Ink in its box", "Left, top, right, bottom"],
        [
            [
                found["region"]["spatial_location"],
                f"{found['region']['importance_score']:.0%}",
                "none" if found["empty"] else f"{found['ink_coverage']:.0%}",
                ", ".join(map(str, found["region"]["bounding_box"])),
            ]
            for found in explanation.row.facts["regions"]
        ],
    )


def _two(value: float) -> str:
    return f"{round(value, 2) + 0.0:.2f}"  # a zero has no sign
