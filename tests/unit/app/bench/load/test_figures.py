from typing import Any

import pytest

from deepmed.app.bench.load import figures
from deepmed.app.bench.load.mix import Get

MIX = [Get("/", 1), Get("/x", 1), Get("/y", 1)]
RAN = {"ran": True}
FLAT = {"growth": 1.01, "limit": 1.05, "mb_per_1000_requests": 0.1}


def outcomes(*statuses: int, took: float = 10.0) -> list[list[Any]]:
    return [[0, place / 10, 0.5, took, status, ""] for place, status in enumerate(statuses)]


def test_rate_percentiles_and_errors_are_told_of_each_address_and_of_all() -> None:
    found = [[place % 2, place / 10, 1.0, 10.0 + place, 200, ""] for place in range(100)]
    found[3] = [1, 0.3, 1.0, 13.0, 503, ""]
    total = figures.in_total(found)
    assert total["requests"] == 100
    assert (total["errors"], total["server_errors"], total["wrong"]) == (1, 1, ["503"])
    assert (total["p50_ms"], total["p95_ms"], total["slowest_ms"]) == (59.5, 105.0, 109.0)
    assert total["rate"] == pytest.approx(100 / (9.9 + 0.109), abs=0.01)
    assert total["late_ms"] == 1.0
    routes = figures.of_routes(MIX, found, [1.0, 2.0, 3.0])
    assert {path: each["requests"] for path, each in routes.items()} == {"/": 50, "/x": 50, "/y": 0}
    assert routes["/x"]["errors"] == 1
    assert routes["/x"]["first_ms"] == 2.0
    assert routes["/y"]["p95_ms"] is None


@pytest.mark.req("O-10.1")
def test_quick_answers_beside_a_training_keep_every_promise() -> None:
    judged = figures.judged(figures.in_total(outcomes(200, 304, 200)), FLAT, RAN)
    assert {figure.passed for figure in judged.values()} == {True, None}


@pytest.mark.req("O-10.1")
@pytest.mark.parametrize(
    ("found", "broken"),
    [
        (outcomes(200, 500), "answers of 500 and above"),
        (outcomes(200, 404), "other requests without what was asked for"),
        (outcomes(200, 0), "other requests without what was asked for"),
        (outcomes(200, 200, took=260.0), "95 % of the answers within"),
    ],
)
def test_each_broken_promise_is_told(found: list[list[Any]], broken: str) -> None:
    judged = figures.judged(figures.in_total(found), FLAT, RAN)
    assert [name for name, each in judged.items() if each.passed is False] == [broken]


@pytest.mark.req("O-10.1")
def test_quick_answers_without_a_training_prove_nothing() -> None:
    judged = figures.judged(figures.in_total(outcomes(200)), FLAT, {"ran": False})
    assert judged["95 % of the answers within"].passed is False


@pytest.mark.req("O-10.1")
def test_growing_memory_breaks_its_promise() -> None:
    judged = figures.judged(figures.in_total(outcomes(200)), FLAT | {"growth": 1.06}, RAN)
    assert [name for name, each in judged.items() if each.passed is False] == [
        "memory of the server, last fifth beside the second"
    ]


def test_memory_that_was_hardly_looked_at_is_not_judged() -> None:
    judged = figures.judged(figures.in_total(outcomes(200)), FLAT | {"growth": None}, RAN)
    assert not any(name.startswith("memory") for name in judged)
