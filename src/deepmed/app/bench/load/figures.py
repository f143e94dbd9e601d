"""From outcomes to figures: of every address, and of all requests together."""

from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

from deepmed.app.bench.load.mix import Get
from deepmed.app.bench.platform.figures import Figure

P95_LIMIT_MS = 250.0
SERVER_ERROR, ANSWERED = 500, 200
REFUSED = 400
EXAMPLES = 5
ROUTE, AT, LATE, TOOK, STATUS, TROUBLE = range(6)
"""Places in an outcome of the generator."""
Outcomes = Sequence[Sequence[Any]]


def of_routes(mix: Sequence[Get], outcomes: Outcomes, first_ms: Sequence[float]) -> dict[str, Any]:
    """By address; `first_ms` is what each took when it was asked for the first time."""
    by_route: dict[int, list[Sequence[Any]]] = {}
    for each in outcomes:
        by_route.setdefault(each[ROUTE], []).append(each)
    return {
        get.path: {"first_ms": round(first_ms[place], 1), **_summary(by_route.get(place, []))}
        for place, get in enumerate(mix)
    }


def in_total(outcomes: Outcomes) -> dict[str, Any]:
    """Of all requests; `late_ms` is by how much the generator itself sent late, 95 %."""
    last = max(each[AT] + each[TOOK] / 1000 for each in outcomes)
    return {
        **_summary(outcomes),
        "rate": round(len(outcomes) / last, 2),
        "late_ms": round(_p95([each[LATE] for each in outcomes]), 2),
        "wrong": [
            f"{each[STATUS] or 'no answer'} {each[TROUBLE]}".strip()
            for each in outcomes
            if _is_wrong(each)
        ][:EXAMPLES],
    }


def judged(
    total: Mapping[str, Any], memory: Mapping[str, Any], training: Mapping[str, Any]
) -> dict[str, Figure]:
    """The promises of O-10, which hold only where a training really ran meanwhile."""
    beside = ("beside a training that stood back", training["ran"])
    figures = {
        "answers of 500 and above": Figure([total["server_errors"]], "answers", 1),
        "other requests without what was asked for": Figure(
            [total["errors"] - total["server_errors"]], "answers", 1
        ),
        "answers in a second": Figure([total["rate"]], "1/s"),
        "half of the answers within": Figure([total["p50_ms"]], "ms"),
        "95 % of the answers within": Figure(
            [total["p95_ms"]], "ms", P95_LIMIT_MS, condition=beside
        ),
    }
    if memory["growth"] is not None:
        figures |= {
            "memory of the server, last fifth beside the second": Figure(
                [memory["growth"]], "times", memory["limit"]
            ),
            "memory gained in 1,000 requests": Figure([memory["mb_per_1000_requests"]], "MB"),
        }
    return figures


def _summary(outcomes: Outcomes) -> dict[str, Any]:
    wrong = sum(map(_is_wrong, outcomes))
    counts = {
        "requests": len(outcomes),
        "errors": wrong,
        "server_errors": sum(each[STATUS] >= SERVER_ERROR for each in outcomes),
    }
    took = [each[TOOK] for each in outcomes]
    if not took:
        return counts | {"p50_ms": None, "p95_ms": None, "slowest_ms": None}
    return counts | {
        "p50_ms": round(median(took), 2),
        "p95_ms": round(_p95(took), 2),
        "slowest_ms": round(max(took), 2),
    }


def _is_wrong(outcome: Sequence[Any]) -> bool:
    return not ANSWERED <= outcome[STATUS] < REFUSED


def _p95(numbers: Sequence[float]) -> float:
    ordered = sorted(numbers)
    return ordered[min(len(ordered) - 1, int(0.95 * len(ordered)))]
