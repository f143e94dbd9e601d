import pytest

from deepmed.features.drawings.bench import exactness as module
from deepmed.features.drawings.bench.exactness import exactness, judged
from deepmed.learning.calibration import SimulationResult, simulate_false_alarms


def result(rate: float, error: float = 0.002, n: int = 30) -> SimulationResult:
    return SimulationResult(
        rate=rate,
        standard_error=error,
        attained_level=1 / 31,
        level=0.05,
        percentile=95.0,
        n_children=n,
        repeats=10_000,
    )


@pytest.mark.req("D-22.2")
def test_every_number_of_children_is_tried_in_every_case() -> None:
    report = exactness(repeats=200, seed=0, step=lambda _: None)
    assert [row["n_children"] for row in report["rows"]] == [19, 30, 50, 1000] * 3
    assert len({row["case"] for row in report["rows"]}) == 3
    assert [row["rule"] for row in report["rows"]] == (
        ["equals the attained level"] * 4 + ["not above the level"] * 8
    )


@pytest.mark.req("D-22.2")
def test_ten_thousand_sets_of_nineteen_children_keep_the_promise() -> None:
    for parameters in module.CASES.values():
        found = simulate_false_alarms(19, 95.0, 10_000, 1, **parameters)
        assert found.repeats == 10_000
        assert judged(found, exact=not parameters)["passed"]


@pytest.mark.req("D-22.2")
@pytest.mark.parametrize(
    ("rate", "exact", "passed"),
    [
        (1 / 31, True, True),
        (1 / 31 + 0.0059, True, True),
        (1 / 31 + 0.0061, True, False),
        (1 / 31 - 0.0061, True, False),
        (0.0, False, True),
        (0.0559, False, True),
        (0.0561, False, False),
    ],
)
def test_a_rate_is_judged_by_three_monte_carlo_errors(
    rate: float,
    exact: bool,  # noqa: FBT001 - a column of the table above
    passed: bool,  # noqa: FBT001 - likewise
) -> None:
    assert judged(result(rate), exact=exact)["passed"] is passed


@pytest.mark.req("D-22.2")
def test_a_ranking_that_breaks_its_promise_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "deepmed.learning.calibration.simulation.is_flagged", lambda normalized, _: normalized >= 90
    )
    found = simulate_false_alarms(19, 95.0, 2000, 0)
    assert not judged(found, exact=True)["passed"]
    assert not judged(found, exact=False)["passed"]
