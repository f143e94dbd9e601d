"""How many took which part, and what the calibration comes to, counted again."""

from collections.abc import Iterator
from fractions import Fraction

from deepmed.features.drawings.runs.checks import Check, compare
from deepmed.features.drawings.runs.record import Record, held_out
from deepmed.learning.evaluation.oracle import recompute_decision


def sizes(record: Record) -> Iterator[Check]:
    """Children and drawings by part, and reasons for leaving out."""
    metrics, header = record.metrics, record.header
    taking = record.recipe["model"]
    yield Check("percentile", metrics["percentile"], record.percentile)
    drawings = {part: len(taking[part]) for part in ("fit", "borrowed")}
    drawings["calibration"] = len(record.calibration)
    yield from compare("drawings", metrics["drawings"], drawings, drawings)
    calibrating = len({child for child, _ in record.calibration})
    yield Check("children.calibration", metrics["children"]["calibration"], calibrating)
    if not record.forgot("own", "fit_children", "borrowed_children"):
        borrowed = len(header["borrowed_children"])
        own = len(header["fit_children"]) - borrowed
        yield Check("children.fit", metrics["children"]["fit"], own)
        yield Check("children.borrowed", metrics["children"]["borrowed"], borrowed)
    if not record.forgot("twin"):
        twin = header["twin"] and len({row["child"] for row in header["twin"]})
        yield Check("twin_children", metrics["twin_children"], twin)
    # A run that came from elsewhere names none of the drawings.
    named = [row for row in metrics.get("left_out", []) if "drawing_ids" in row]
    for row in named:
        yield Check(f"left_out.{row['reason']}.count", row["count"], len(row["drawing_ids"]))


def calibration(record: Record) -> Iterator[Check]:
    """Threshold and levels, and the calibration scores in both places where they stand."""
    metrics = record.metrics
    n = len({child for child, _ in record.calibration})
    highest = float(round(100 * Fraction(n, n + 1), 9)) if n else None
    yield Check("highest_percentile", metrics["highest_percentile"], highest)
    if n:
        top = max(score for _, score in record.calibration)
        again = recompute_decision(record.calibration, top, record.percentile)
        yield Check("supported", metrics["supported"], again["decision"] == "ranked")
        yield from compare("", metrics, again, ("threshold", "attained_level"))
    else:
        nothing = {"supported": False, "threshold": None, "attained_level": None}
        yield from compare("", metrics, nothing, nothing)
    yield from _logged(record)


def _logged(record: Record) -> Iterator[Check]:
    """The calibration scores stand in the item list just as in the ranking."""
    held = {item["drawing"]: item for item in record.items["own"] if held_out(item)}
    ranked = {row["drawing"]: row for row in record.header["model"]}
    yield Check("calibration drawings", len(ranked), len(held))
    for drawing in sorted({*held} & {*ranked}):
        for name in ("score", *(["neutral"] if "neutral" in ranked[drawing] else [])):
            words = f"{'neutral ' if name == 'neutral' else ''}calibration score of {drawing}"
            yield Check(words, ranked[drawing][name], held[drawing][name])
