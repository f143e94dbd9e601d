"""Whether the learned encoder is adopted: a rule that was stated first, and figures put into it."""

import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from deepmed.features.drawings.bench.pretraining.questions import LEARNED, PRIMARY

LARGEST_FILE = 25_000_000
"""Bytes of a file of weights that may be shipped."""
SPREADS = 2.0
LEAST_SEEDS = 3
RULE = (
    f"Adopted only if, for {PRIMARY}, the interval of the difference to hog-pyramid lies wholly "
    f"above zero with every seed of at least {LEAST_SEEDS}, the mean difference exceeds "
    f"{SPREADS:g} standard deviations over seeds, no other question is answered worse beyond the "
    "interval with every seed, and the weights fit into 25 MB."
)
Figures = Mapping[str, Any]


def spread(task: Figures) -> dict[str, Any]:
    """Mean, standard deviation and range over seeds, of the figure and of the difference."""
    return {part: _spread(_learned(task, part)) for part in ("figure", "beside")}


def judge(tasks: Sequence[Figures], largest_file: int) -> dict[str, Any]:
    """The verdict and the conditions that it comes from.

    Args:
        tasks: the answers, each with its `spread`.
        largest_file: bytes of the largest file of weights.
    """
    primary = next(task for task in tasks if task["task"] == PRIMARY)
    conditions = [
        _every_seed(primary),
        _beyond_noise(primary),
        _nothing_lost([task for task in tasks if task["task"] != PRIMARY]),
        {
            "condition": "the weights fit into 25 MB",
            "holds": largest_file <= LARGEST_FILE,
            "figures": f"{largest_file / 1e6:.1f} MB",
        },
    ]
    adopted = all(each["holds"] for each in conditions)
    return {"rule": RULE, "adopted": adopted, "conditions": conditions, "words": _words(conditions)}


def _every_seed(primary: Figures) -> dict[str, Any]:
    rows = _rows(primary)
    above = [_side(row) > 0 for row in rows]
    said = "; ".join(f"seed {row['seed']}: {_interval(row['beside'])}" for row in rows)
    return {
        "condition": f"{PRIMARY}: better beyond the interval with every seed",
        "holds": len(rows) >= LEAST_SEEDS and all(above),
        "figures": said,
    }


def _beyond_noise(primary: Figures) -> dict[str, Any]:
    over = spread(primary)["beside"]
    mean, deviation = over["mean"], over["deviation"]
    known = mean is not None and deviation is not None
    return {
        "condition": f"{PRIMARY}: mean difference beyond {SPREADS:g} deviations over seeds",
        "holds": known and mean > SPREADS * deviation,
        "figures": f"mean {mean:+.3f}, deviation {deviation:.3f}" if known else "too few figures",
    }


def _nothing_lost(others: Sequence[Figures]) -> dict[str, Any]:
    lost = [task["task"] for task in others if _rows(task) and _in_every_seed(task, -1)]
    return {
        "condition": "no other question answered worse with every seed",
        "holds": not lost,
        "figures": f"worse: {'; '.join(lost)}" if lost else "none is",
    }


def _in_every_seed(task: Figures, side: int) -> bool:
    return all(_side(row) == side for row in _rows(task))


def _words(conditions: Sequence[Figures]) -> str:
    failed = [
        f"{each['condition']} ({each['figures']})" for each in conditions if not each["holds"]
    ]
    if failed:
        return (
            "Not adopted: hog-pyramid stays the default and no weights are shipped. What does not "
            f"hold: {'; '.join(failed)}."
        )
    return (
        "The learned encoder has met every condition that was stated for adopting it: "
        f"{conditions[0]['figures']}."
    )


def _side(row: Figures) -> int:
    """1 where a difference's interval lies above zero, -1 where below; 0 else, and where none."""
    beside = row["beside"]
    if beside["low"] is None:
        return 0
    return int(beside["low"] > 0) - int(beside["high"] < 0)


def _rows(task: Figures) -> list[Figures]:
    return [row for row in task["rows"] if row["role"] == LEARNED]


def _learned(task: Figures, part: str) -> list[float]:
    found = [row[part]["estimate"] for row in _rows(task)]
    return [value for value in found if value is not None]


def _spread(values: Sequence[float]) -> dict[str, Any]:
    if not values:
        return {"seeds": 0, "mean": None, "deviation": None, "lowest": None, "highest": None}
    return {
        "seeds": len(values),
        "mean": statistics.fmean(values),
        "deviation": statistics.stdev(values) if len(values) > 1 else None,
        "lowest": min(values),
        "highest": max(values),
    }


def _interval(figure: Figures) -> str:
    if figure["estimate"] is None:
        return "no figure"
    return f"{figure['estimate']:+.3f} [{figure['low']:+.3f}, {figure['high']:+.3f}]"
