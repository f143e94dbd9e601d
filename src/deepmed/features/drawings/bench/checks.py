"""Which of the promises a run bears out, each with the figures that decide."""

from collections.abc import Iterator, Mapping
from typing import Any

from deepmed.features.drawings.bench.altered import CONTROL
from deepmed.features.drawings.bench.entrants import DETECTOR
from deepmed.features.drawings.bench.speed import LIMIT
from deepmed.learning.encoders import DEFAULT_ENCODER

Parts = Mapping[str, Any]
CHANCE = 0.5
NEAR = 0.05
"""How far from chance the control's interval may lie."""


def checks(parts: Parts) -> list[dict[str, Any]]:
    """Every promise that the run could look at; one that it could not is null with the reason."""
    makers = {
        "exactness": _exactness,
        "detection": _detection,
        "false_alarms": _false_alarms,
        "faithfulness": _faithfulness,
        "speed": _speed,
    }
    made: list[dict[str, Any]] = []
    for name, maker in makers.items():
        if name not in parts:
            continue
        if parts[name]["skipped"]:
            made.append(_check(name, None, parts[name]["skipped"]))
        else:
            made += maker(parts[name])
    return made


def _check(name: str, passed: bool | None, statement: str) -> dict[str, Any]:  # noqa: FBT001 - the verdict itself
    return {"check": name, "passed": passed, "statement": statement}


def _exactness(part: Parts) -> Iterator[dict[str, Any]]:
    for row in part["rows"]:
        name = f"exactness: {row['case']}, n = {row['n_children']}"
        statement = (
            f"rate {row['rate']:.4f} ± {row['standard_error']:.4f}, {row['rule']} "
            f"({row['attained_level'] if 'attained' in row['rule'] else row['level']:.4f})"
        )
        yield _check(name, row["passed"], statement)


def _false_alarms(part: Parts) -> Iterator[dict[str, Any]]:
    for row in part["rows"]:
        copies = ", copies as repeats" if row["repeated"] else ""
        name = f"false alarms: {row['group']}, {row['detector']}{copies}"
        promised = row["level"] if row["repeated"] else row["attained_level"]
        statement = (
            f"mean {row['mean']:.4f} over {row['splits']} splits (SD {row['deviation']:.4f}), "
            f"{row['rule']} ({promised:.4f})"
        )
        yield _check(name, row["passed"], statement)
    for row in part["rows"]:
        if "power" in row:
            name = f"power: {row['group']}, {row['detector']}"
            yield _check(name, row["finds_something"], _power(row["power"]))


def _power(power: Parts) -> str:
    shares = [
        f"{kind} {figure['estimate']:.2f}"
        for kind, figure in power.items()
        if figure["estimate"] is not None
    ]
    return "flagged: " + ", ".join(shares)


def _detection(part: Parts) -> Iterator[dict[str, Any]]:
    """Nothing is unusual in the control, so nobody may tell it from its like."""
    for name, found in part.items():
        if name == "skipped" or "rows" not in found:
            continue
        for row in found["rows"]:
            control = row["figures"].get(CONTROL)
            if row["role"] != DETECTOR or control is None or control["estimate"] is None:
                continue
            near = control["low"] <= CHANCE + NEAR and control["high"] >= CHANCE - NEAR
            statement = (
                f"AUROC {control['estimate']:.2f}, within {NEAR:g} of {CHANCE:g} or by chance"
            )
            yield _check(f"control, redrawn: {name} drawings, {row['name']}", near, statement)


def _faithfulness(part: Parts) -> Iterator[dict[str, Any]]:
    gate = part["gate"]
    if not part["all_drawings"]:
        yield _check("faithfulness gate", None, "A quick run measures too few drawings.")
        return
    statement = (
        f"{', '.join(gate['faithful'])} on {gate['children']} children"
        if gate["passed"]
        else str(gate["reason"])
    )
    yield _check("faithfulness gate", gate["passed"], statement)
    for method in gate["faithful"]:
        found = part["randomisation"][method]
        mean = found.get("mean")
        said = f"rank correlation {mean['estimate']:.2f}" if mean else str(found["reason"])
        yield _check(f"randomisation: {method}", found["passed"], said)


def _speed(part: Parts) -> Iterator[dict[str, Any]]:
    for row in part["rows"]:
        if row["name"] == DEFAULT_ENCODER and row["threads"] == 1:
            best = row["batched_ms"]["best"]
            statement = f"{best:.2f} ms an image on one thread, at most {LIMIT:g}"
            name = f"speed of the default encoder, batched, {row['longest_side']} pixels a side"
            yield _check(name, best <= LIMIT, statement)
