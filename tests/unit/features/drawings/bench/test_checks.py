from typing import Any

import pytest

from deepmed.features.drawings.bench.checks import checks

GATE = {"passed": True, "faithful": ["occlusion"], "children": 41, "reason": None}


def parts(**changes: Any) -> dict[str, Any]:
    alarm = {
        "group": "all ages",
        "detector": "knn",
        "repeated": False,
        "splits": 200,
        "mean": 0.05,
        "deviation": 0.03,
        "attained_level": 0.047,
        "level": 0.05,
        "rule": "equals the attained level",
        "passed": True,
        "power": {"scribble": {"estimate": 0.9}},
        "finds_something": True,
    }
    return {
        "false_alarms": {"skipped": None, "rows": [{**alarm, **changes.get("alarm", {})}]},
        "faithfulness": {
            "skipped": None,
            "all_drawings": changes.get("all_drawings", True),
            "gate": changes.get("gate", GATE),
            "randomisation": {
                "occlusion": {"passed": True, "reason": None, "mean": {"estimate": 0.1}}
            },
        },
        "speed": {
            "skipped": None,
            "rows": [
                {
                    "name": "hog-pyramid",
                    "reason": None,
                    "threads": 1,
                    "longest_side": 224,
                    "batched_ms": {"best": changes.get("ms", 2.0)},
                }
            ],
        },
    }


def verdicts(result: dict[str, Any]) -> dict[str, bool | None]:
    return {one["check"]: one["passed"] for one in checks(result)}


def test_each_promise_has_its_verdict_and_its_figures() -> None:
    found = checks(parts())
    assert all(one["passed"] for one in found)
    assert [one["check"] for one in found] == [
        "false alarms: all ages, knn",
        "power: all ages, knn",
        "faithfulness gate",
        "randomisation: occlusion",
        "speed of the default encoder, batched, 224 pixels a side",
    ]
    assert found[0]["statement"] == (
        "mean 0.0500 over 200 splits (SD 0.0300), equals the attained level (0.0470)"
    )


@pytest.mark.req("D-22.4")
def test_a_detector_that_finds_nothing_fails() -> None:
    found = verdicts(parts(alarm={"finds_something": False}))
    assert found["power: all ages, knn"] is False


@pytest.mark.req("D-24.1")
@pytest.mark.parametrize(
    ("low", "estimate", "high", "passes"),
    [(0.47, 0.5, 0.53, True), (0.5, 0.58, 0.66, True), (0.56, 0.6, 0.64, False)],
)
def test_a_control_that_is_told_from_its_like_fails(
    low: float,
    estimate: float,
    high: float,
    passes: bool,  # noqa: FBT001 - a column of the table above
) -> None:
    figure = {"low": low, "estimate": estimate, "high": high}
    rows = [
        {"name": "knn", "role": "detector", "figures": {"redrawn": figure}},
        {"name": "ink and box", "role": "reference row", "figures": {"redrawn": figure}},
    ]
    part = {"skipped": None, "real": {"rows": rows}, "samples": {"reason": "none"}}
    assert verdicts({"detection": part}) == {"control, redrawn: real drawings, knn": passes}


@pytest.mark.req("D-17.4")
def test_a_gate_that_is_not_passed_is_reported_as_that() -> None:
    shut = {"passed": False, "faithful": [], "children": 41, "reason": "No method beats random."}
    found = [one for one in checks(parts(gate=shut)) if one["check"] == "faithfulness gate"]
    assert found == [
        {"check": "faithfulness gate", "passed": False, "statement": "No method beats random."}
    ]
    assert verdicts(parts(all_drawings=False))["faithfulness gate"] is None


def test_a_slow_default_encoder_fails() -> None:
    assert (
        verdicts(parts(ms=5.1))["speed of the default encoder, batched, 224 pixels a side"] is False
    )


@pytest.mark.req("D-24.2")
def test_a_part_that_did_not_run_has_no_verdict_but_a_reason() -> None:
    found = checks({"false_alarms": {"skipped": "no drawings"}})
    assert found == [{"check": "false_alarms", "passed": None, "statement": "no drawings"}]
