"""Does the ranking keep its promise on simulated exchangeable scores?"""

from collections.abc import Callable
from typing import Any

from deepmed.kit import seeds
from deepmed.learning.calibration import SimulationResult, simulate_false_alarms

CHILDREN = (19, 30, 50, 1000)
PERCENTILE = 95.0
ERRORS = 3.0
"""Monte-Carlo errors that a rate may be off."""
CASES: dict[str, dict[str, Any]] = {
    "one drawing a child, no ties": {},
    "ties": {"ties": 0.5},
    "1 to 8 drawings a child, child effect": {"drawings_per_child": (1, 8), "child_effect": 1.0},
}


def exactness(repeats: int, seed: int, step: Callable[[str], None]) -> dict[str, Any]:
    """The rate of each case and number of children, beside what was promised."""
    rows = []
    for case, parameters in CASES.items():
        for n in CHILDREN:
            step(f"{case}, n = {n}")
            own_seed = seeds.derive(seed, "bench exactness", case, n)
            result = simulate_false_alarms(n, PERCENTILE, repeats, own_seed, **parameters)
            rows.append({"case": case, **judged(result, exact=not parameters)})
    return {"percentile": PERCENTILE, "rows": rows}


def judged(result: SimulationResult, *, exact: bool) -> dict[str, Any]:
    """A rate with its verdict: equal to the attained level, or at least not above alpha."""
    room = ERRORS * result.standard_error
    off = result.rate - (result.attained_level if exact else result.level)
    return {
        "n_children": result.n_children,
        "repeats": result.repeats,
        "rate": result.rate,
        "standard_error": result.standard_error,
        "low": result.rate - room,
        "high": result.rate + room,
        "attained_level": result.attained_level,
        "level": result.level,
        "rule": "equals the attained level" if exact else "not above the level",
        "passed": abs(off) <= room if exact else off <= room,
    }
