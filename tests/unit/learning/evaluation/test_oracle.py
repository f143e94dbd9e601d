import ast
from pathlib import Path

import pytest
from scipy import stats

from deepmed.learning.evaluation import oracle


@pytest.mark.req("V-2.2")
def test_the_oracle_shares_no_code_with_what_it_checks() -> None:
    tree = ast.parse(Path(oracle.__file__).read_text(encoding="utf-8"))
    imported = {
        name
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in (
            [node.module] if isinstance(node, ast.ImportFrom) else [a.name for a in node.names]
        )
    }
    ours = {name for name in imported if name and name.startswith("deepmed")}
    assert ours == {"deepmed.kit.seeds"}
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
    low, high = oracle.recompute_auroc_bounds(low_rows, high_rows, seed=0)
    assert (low, high) == pytest.approx(oracle.recompute_wilson(6, 6))
