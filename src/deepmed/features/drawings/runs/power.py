"""What a model finds, counted again: planted drawings, neighbours, and hidden anomalies."""

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from deepmed.features.drawings.models.items import contaminated_set
from deepmed.features.drawings.runs.checks import Check, compare
from deepmed.features.drawings.runs.record import Item, Pairs, Record, held_out
from deepmed.learning.evaluation.oracle import recompute_flags
from deepmed.learning.evaluation.oracle_intervals import (
    FIGURE,
    recompute_auroc_figure,
    recompute_share_figure,
)

CHANCE = 0.5
RATES = (0.01, 0.05, 0.10)
SHARE = (*FIGURE, "percentile", "attained_level")


def power(record: Record) -> Iterator[Check]:
    """AUROC by kind of planted drawing, against the calibration drawings."""
    if "power" not in record.metrics or record.forgot("model", "planted"):
        return
    typical = record.pairs("own", held_out)
    kinds = [item["kind"] for item in record.items["planted"]]
    expected = [*dict.fromkeys(kinds), "all"] if kinds and typical else []
    for kind in dict.fromkeys([*record.metrics["power"], *expected]):
        found = record.pairs("planted", partial(_of_kind, kind))
        again = recompute_auroc_figure(typical, found, record.seed("power", kind))
        yield from compare(f"power.{kind}", record.metrics["power"].get(kind), again)


def planted(record: Record) -> Iterator[Check]:
    """The share of planted drawings flagged, at the percentile of the training."""
    if "planted" in record.metrics and not record.forgot("model", "planted"):
        again = _share(record, record.calibration, record.pairs("planted"))
        yield from compare("planted", record.metrics["planted"], again, SHARE)


def age_specificity(record: Record) -> Iterator[Check]:
    """AUROC of neighbours' drawings, at the neutral age where the age is a column."""
    if "age_specificity" not in record.metrics or record.forgot("model", "neighbours"):
        return
    negative = record.pairs("own", held_out, score="neutral")
    positive = record.pairs("neighbours", held_out)
    again = recompute_auroc_figure(negative, positive, record.seed("age-specificity"))
    again["neutral_age"] = record.header["neutral_age"]
    names = (*FIGURE, "neutral_age")
    yield from compare("age_specificity", record.metrics["age_specificity"], again, names)
    apart = again["low"] is not None and again["low"] > CHANCE
    yield Check("tells_ages_apart", record.metrics["tells_ages_apart"], apart)


def contamination(record: Record) -> Iterator[Check]:
    """The share flagged with hidden anomalies and without them, over the same children."""
    rows = record.metrics.get("contamination")
    if rows is None or record.forgot("model", "planted", "own"):
        return
    yield Check("contamination rates", len(rows), len(RATES))
    for rate, row in zip(RATES, rows, strict=False):
        yield from _contaminated(record, rate, row)


def _contaminated(record: Record, rate: float, row: Mapping[str, Any]) -> Iterator[Check]:
    place = f"contamination.{rate:g}"
    sets = {part: contaminated_set(rate, part) for part in ("replaced", "calibration", "planted")}
    replaced = record.items.get(sets["replaced"], [])
    taking = record.recipe["model"]
    drawings = len(taking["fit"]) + len(taking["calibration"])
    counts = {
        "rate": rate,
        "replaced_drawings": len(replaced),
        "attained_rate": len(replaced) / drawings,
    }
    yield from compare(place, row, counts, counts)
    used = {item["child"] for item in replaced}
    with_hidden = record.pairs(sets["calibration"])
    again = _share(record, with_hidden, record.pairs(sets["planted"]))
    yield from compare(f"{place}.flagged", row["flagged"], again, SHARE)
    others = record.pairs("planted", lambda item: item["child"] not in used)
    without = _share(record, record.calibration, others)
    name = "flagged_without_contamination"
    yield from compare(f"{place}.{name}", row[name], without, SHARE)


def _of_kind(kind: str, item: Item) -> bool:
    return kind in {"all", item["kind"]}


def _share(record: Record, calibration: Pairs, asked: Pairs) -> dict[str, Any]:
    """The share flagged among those that have an answer, and what it is counted at."""
    answers = recompute_flags(calibration, asked, record.percentile)
    flags = [
        (child, flag)
        for (child, _), (flag, _) in zip(asked, answers, strict=True)
        if flag is not None
    ]
    levels = {
        child: level
        for (child, _), (_, level) in zip(asked, answers, strict=True)
        if level is not None
    }
    return recompute_share_figure(flags, record.seed("planted share")) | {
        "percentile": record.percentile,
        "attained_level": sum(levels.values()) / len(levels) if levels else None,
    }
