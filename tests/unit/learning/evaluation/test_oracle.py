import ast
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from scipy import stats

from deepmed.learning.calibration.conformal import CalibrationSet
from deepmed.learning.calibration.decision import decide
from deepmed.learning.errors import InsufficientDataError
from deepmed.learning.evaluation import (
    Interval,
    auroc_interval,
    oracle,
    oracle_intervals,
    paired_difference_interval,
    share_interval,
)


@pytest.mark.req("V-2.2")
@pytest.mark.parametrize(
    ("module", "shared"),
    [
        (oracle, set()),
        (oracle_intervals, {"deepmed.kit.seeds", "deepmed.learning.evaluation.oracle"}),
    ],
)
def test_the_oracle_shares_no_code_with_what_it_checks(
    module: ModuleType, shared: set[str]
) -> None:
    tree = ast.parse(Path(module.__file__ or "").read_text(encoding="utf-8"))
    imported = {
        name
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in (
            [node.module] if isinstance(node, ast.ImportFrom) else [a.name for a in node.names]
        )
    }
    ours = {name for name in imported if name and name.startswith("deepmed")}
    assert ours == shared
    assert "scipy" not in imported


@pytest.mark.req("V-2.2")
def test_the_oracle_knows_a_decision_worked_by_hand() -> None:
    """20 children; one has two drawings, one of them at the query: W = 1 + 1/2, p = 2.5 / 21."""
    rows = [(child, float(child)) for child in range(19)] + [("two", 17.5), ("two", 3.0)]
    assert oracle.recompute_decision(rows, 17.5, 90) == {
        "n_children": 20,
        "count_at_or_above": 1.5,
        "p_value": 2.5 / 21,
        "normalized_score": 88.095238095,
        "threshold": 17.5,
        "attained_level": 2 / 21,
        "is_anomaly": False,
        "decision": "ranked",
        "confidence": pytest.approx(stats.beta.sf(0.1, 2.5, 19.5), rel=1e-8),
    }


@pytest.mark.req("V-2.2")
@pytest.mark.parametrize("alpha", [0.001, 0.05, 0.5])
def test_the_oracles_confidence_is_the_beta_distribution(alpha: float) -> None:
    for n in (5, 19, 60, 1000):
        for count in (0.0, 0.125, 1.5, n / 3, float(n)):
            for flagged, tail in ((True, stats.beta.cdf), (False, stats.beta.sf)):
                told = oracle.recompute_confidence(alpha, count, n, flagged=flagged)
                truth = tail(alpha, count + 1, n - count + 1)
                assert told == pytest.approx(truth, abs=1e-9)


@pytest.mark.req("V-2.2")
def test_the_oracle_gives_certainty_of_perfect_separation_no_credit() -> None:
    low_rows = [(child, float(child)) for child in range(6)]
    high_rows = [(child, 10.0 + child) for child in range(6)]
    low, high = oracle_intervals.recompute_auroc_bounds(low_rows, high_rows, seed=0)
    assert (low, high) == pytest.approx(oracle.recompute_wilson(6, 6))


def agrees(again: dict[str, Any], figure: Interval) -> bool:
    """Every number to the last digits, and the method in words."""
    told = figure.to_dict()
    words = {"unit", "split"}
    assert set(again) == set(told) - words
    return all(
        value == told[name]
        or (isinstance(value, float) and value == pytest.approx(told[name], rel=1e-12, abs=1e-12))
        for name, value in again.items()
    )


def rows_of(children: int, each: int, shift: float, seed: int) -> list[tuple[int, float]]:
    """Scores with ties, several drawings a child."""
    random = np.random.default_rng(seed)
    scores = np.round(random.normal(size=children * each) + shift, 1).tolist()
    return [(index // each, score) for index, score in enumerate(scores)]


def columns(rows: list[tuple[int, float]]) -> tuple[list[int], list[float]]:
    return [child for child, _ in rows], [score for _, score in rows]


@pytest.mark.req("V-2.2")
@pytest.mark.parametrize(
    ("children", "each", "shift"),
    [
        (5, 1, 0.0),
        (9, 3, 0.7),
        (40, 2, 1.0),
        (12, 1, 30.0),
        (12, 1, -30.0),
        (20, 2, 2.3),
        (50, 1, -2.5),
        (7, 1, 2.0),
    ],
)
def test_auroc_and_difference_come_out_with_their_intervals(
    children: int, each: int, shift: float
) -> None:
    negative, positive = rows_of(children, each, 0.0, 1), rows_of(children, 2, shift, 2)[1:]
    (below, low_scores), (above, high_scores) = columns(negative), columns(positive)
    figure = auroc_interval(low_scores, high_scores, below, above, seed=11)
    again = oracle_intervals.recompute_auroc_figure(negative, positive, 11)
    assert agrees(again, figure)
    other = [(child, score + child % 3) for child, score in positive]
    difference = paired_difference_interval(
        (low_scores, high_scores), (low_scores, columns(other)[1]), below, above, seed=4
    )
    again = oracle_intervals.recompute_difference_figure((negative, positive), (negative, other), 4)
    assert agrees(again, difference)


@pytest.mark.req("V-2.2")
@pytest.mark.parametrize(("seen", "lead"), [(30.0, 0.0), (0.0, 0.5)])
def test_where_all_resamples_agree_the_oracle_agrees_with_the_figure(
    seen: float, lead: float
) -> None:
    ids = list(range(7))
    first = ([0.0] * 7, [30.0] * 7)
    second = ([0.0] * 7, [seen] * 7)
    figure = paired_difference_interval(first, second, ids, ids, seed=0)
    assert figure.estimate == lead
    assert figure.method.endswith("Wilson bound where all agree")
    below, above, other = (
        list(zip(ids, part, strict=True)) for part in (first[0], first[1], second[1])
    )
    again = oracle_intervals.recompute_difference_figure((below, above), (below, other), 0)
    assert agrees(again, figure)
    alone = auroc_interval(*second, ids, ids, seed=0)
    assert agrees(oracle_intervals.recompute_auroc_figure(below, other, 0), alone)


@pytest.mark.req("V-2.2")
@pytest.mark.parametrize(
    ("children", "each", "share"),
    [(20, 1, 0.3), (6, 3, 0.5), (4, 1, 0.5), (3, 4, 1.0), (7, 2, 0.0), (30, 5, 0.9)],
)
def test_shares_come_out_with_their_intervals(children: int, each: int, share: float) -> None:
    random = np.random.default_rng(children)
    flags = [(n // each, bool(random.random() < share)) for n in range(children * each)]
    figure = share_interval([flag for _, flag in flags], [child for child, _ in flags], seed=3)
    again = oracle_intervals.recompute_share_figure(flags, 3)
    assert agrees(again, figure)


@pytest.mark.req("V-2.2")
def test_too_few_children_have_no_interval_here_either() -> None:
    few, many = rows_of(4, 3, 0.0, 1), rows_of(9, 1, 0.0, 2)
    pairs = [(few, many), (many, few)]
    for negative, positive in pairs:
        (below, low_scores), (above, high_scores) = columns(negative), columns(positive)
        with pytest.raises(InsufficientDataError):
            auroc_interval(low_scores, high_scores, below, above, seed=0)
        again = oracle_intervals.recompute_auroc_figure(negative, positive, 0)
        assert set(again.values()) == {None}
        pair = (negative, positive)
        difference = oracle_intervals.recompute_difference_figure(pair, pair, 0)
        assert set(difference.values()) == {None}
    flags = [(0, True), (0, False), (1, True)]
    assert oracle_intervals.recompute_share_figure(flags, 0)["estimate"] is None


@pytest.mark.req("V-2.2")
@pytest.mark.parametrize("percentile", [80, 90.5, 95])
@pytest.mark.parametrize(("children", "each"), [(40, 1), (21, 2), (20, 1), (12, 3)])
def test_flags_and_levels_of_calibration_children_are_those_of_the_decisions(
    percentile: float, children: int, each: int
) -> None:
    rows = rows_of(children, each, 0.0, 5)
    ids, scores = columns(rows)
    calibration = CalibrationSet(scores, ids)
    queries = [(child, score + extra) for child, score in rows for extra in (0.0, 0.4, 3.0)]
    found = oracle.recompute_flags(rows, queries, percentile)
    for (child, score), (flag, level) in zip(queries, found, strict=True):
        expected = decide(calibration, score, percentile, child)
        assert flag == (expected.is_anomaly if expected.decision == "ranked" else None)
        assert level == pytest.approx(expected.attained_level)
    new = decide(calibration, 9.0, percentile)
    (flag, level), *_ = oracle.recompute_flags(rows, [("new", 9.0)], percentile)
    assert (flag, level) == (
        new.is_anomaly if new.decision == "ranked" else None,
        pytest.approx(new.attained_level),
    )
