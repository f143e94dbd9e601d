from typing import Any

import numpy as np
import pytest

from deepmed.features.drawings.bench.ages import AgeTask, age_rows
from deepmed.learning.evaluation.oracle import recompute_auroc
from deepmed.learning.reference import Layout, Rows, fit_reference, plan_groups

KEY = "made-up"


def rows(first: int, age: float, shift: float) -> Rows:
    random = np.random.default_rng(first)
    ids = np.arange(first, first + 50)
    return Rows(
        ids,
        ids,
        np.full(50, age),
        np.zeros(50, dtype=np.int64),
        (random.normal(size=(50, 5)) + shift).astype(np.float32),
    )


def task(shift: float) -> AgeTask:
    groups = {"4-6": rows(0, 5.0, 0.0), "6-9": rows(100, 7.0, shift), "9-12": rows(200, 10.0, 0.0)}
    return AgeTask("made up", groups, groups)


def found(shift: float) -> dict[tuple[str, str], dict[str, Any]]:
    made = age_rows(task(shift), ["knn"], KEY, 0, lambda _: None)
    return {(one["group"], one["layout"]): one for one in made}


@pytest.mark.req("D-27.1")
def test_each_group_is_tested_against_its_neighbours_on_children_that_were_not_fitted_on() -> None:
    report = found(shift=6.0)
    assert len(report) == 9
    figure = report["4-6", "visual"]
    assert figure["tells_ages_apart"]
    assert (figure["n_negative"], figure["n_positive"]) == (25, 50)
    assert report["6-9", "visual"]["n_positive"] == 100
    groups = task(6.0).training
    model = fit_reference(plan_groups(groups, 0)["4-6"], "knn", KEY, Layout.VISUAL, 0)
    own = groups["4-6"].without_children(set(model.fit_children))
    expected = recompute_auroc(
        model.score(own, KEY).tolist(), model.score(groups["6-9"], KEY).tolist()
    )
    assert figure["estimate"] == pytest.approx(expected)


@pytest.mark.req("D-27.1")
@pytest.mark.parametrize("layout", ["visual", "visual+age"])
def test_where_ages_look_alike_the_test_says_so_even_with_the_age_as_a_column(layout: str) -> None:
    figure = found(shift=0.0)["6-9", layout]
    assert not figure["tells_ages_apart"]
    assert figure["estimate"] == pytest.approx(0.5, abs=0.1)
