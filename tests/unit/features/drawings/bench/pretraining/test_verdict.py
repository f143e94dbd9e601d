"""The rule, both ways, on figures that are made up."""

from typing import Any

import pytest

from deepmed.features.drawings.bench.pretraining.questions import BUILT_IN, LEARNED, PRIMARY
from deepmed.features.drawings.bench.pretraining.verdict import judge, spread

SMALL = 2_000_000


def figure(estimate: float | None, half: float) -> dict[str, Any]:
    if estimate is None:
        return {"estimate": None, "low": None, "high": None, "reason": "too few children"}
    return {"estimate": estimate, "low": estimate - half, "high": estimate + half}


def task(name: str, differences: list[float | None], half: float = 0.01) -> dict[str, Any]:
    rows: list[dict[str, Any]] = [
        {"name": "hog-pyramid", "role": BUILT_IN, "figure": figure(0.67, 0.01), "beside": None}
    ]
    rows += [
        {
            "name": f"stroke-net, seed {seed}",
            "role": LEARNED,
            "seed": seed,
            "figure": figure(None if less is None else 0.67 + less, 0.01),
            "beside": figure(less, half),
        }
        for seed, less in enumerate(differences)
    ]
    return {"task": name, "rows": rows}


def test_a_clear_win_with_every_seed_is_adopted() -> None:
    verdict = judge([task(PRIMARY, [0.05, 0.06, 0.04]), task("retrieval", [0.0, 0.1, -0.2])], SMALL)
    assert verdict["adopted"] is True
    assert "+0.050 [+0.040, +0.060]" in verdict["words"]


@pytest.mark.parametrize(
    ("differences", "half", "other", "size", "missing"),
    [
        ([0.05, 0.06, 0.005], 0.01, [0.0] * 3, SMALL, "with every seed"),
        ([0.05, 0.06], 0.01, [0.0] * 2, SMALL, "with every seed"),
        ([0.05, 0.06, None], 0.01, [0.0] * 3, SMALL, "no figure"),
        ([0.02, 0.12, 0.02], 0.01, [0.0] * 3, SMALL, "deviations over seeds"),
        ([-0.05, -0.06, -0.04], 0.01, [0.0] * 3, SMALL, "seed 0: -0.050"),
        ([0.05, 0.06, 0.04], 0.01, [-0.1] * 3, SMALL, "worse: retrieval"),
        ([0.05, 0.06, 0.04], 0.01, [0.0] * 3, 26_000_000, "26.0 MB"),
    ],
)
def test_whatever_does_not_hold_is_said_and_nothing_is_adopted(
    differences: list[float | None],
    half: float,
    other: list[float | None],
    size: int,
    missing: str,
) -> None:
    verdict = judge([task(PRIMARY, differences, half), task("retrieval", other)], size)
    assert verdict["adopted"] is False
    assert missing in verdict["words"]
    assert "stays the default" in verdict["words"]
    assert verdict["adopted"] == all(each["holds"] for each in verdict["conditions"])


def test_the_spread_is_over_seeds_alone() -> None:
    found = spread(task(PRIMARY, [0.01, 0.02, 0.06]))
    assert found["beside"]["seeds"] == 3
    assert found["beside"]["mean"] == pytest.approx(0.03)
    assert found["beside"]["deviation"] == pytest.approx(0.02645751)
    assert (found["figure"]["lowest"], found["figure"]["highest"]) == pytest.approx((0.68, 0.73))
    assert spread(task(PRIMARY, []))["figure"]["mean"] is None
