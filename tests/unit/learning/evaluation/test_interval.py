import json

import numpy as np
import pytest

from deepmed.learning.evaluation import (
    Interval,
    auroc_interval,
    false_alarm_spread,
    mean_interval,
    observed_false_alarm_spread,
    paired_difference_interval,
    share_interval,
    wilson_interval,
)

NINE = np.arange(9.0)
SPLIT = "held-out drawings"
FIGURES = [
    auroc_interval(NINE, NINE + 2, range(9), range(9), 0, split=SPLIT),
    paired_difference_interval((NINE, NINE + 2), (NINE, NINE), range(9), range(9), 0, split=SPLIT),
    mean_interval(NINE, range(9), 0, split=SPLIT),
    share_interval(NINE > 3, range(9), 0, split=SPLIT),
    share_interval(NINE > 3, NINE // 1.5, 0, split=SPLIT),
    wilson_interval(2, 9, split=SPLIT),
    false_alarm_spread(30),
    observed_false_alarm_spread(30, 50),
]


@pytest.mark.req("V-2.1")
@pytest.mark.parametrize("figure", FIGURES, ids=lambda figure: figure.method)
def test_every_figure_says_interval_size_unit_method_and_split(figure: Interval) -> None:
    told = json.loads(json.dumps(figure.to_dict()))
    assert told["low"] <= told["estimate"] <= told["high"]
    assert told["level"] == 0.95
    assert told["sample_size"] >= 6
    assert told["n_items"] >= 9
    assert told["unit"] in {"child", "drawing"}
    assert told["method"]
    assert told["split"] not in {"", "not stated"}


@pytest.mark.req("V-2.1")
def test_the_number_of_children_is_told_where_the_child_is_the_unit() -> None:
    assert FIGURES[0].to_dict()["n_children"] == 9
    assert (FIGURES[0].n_negative, FIGURES[0].n_positive) == (9, 9)
    assert wilson_interval(2, 9).n_children is None


def test_a_figure_without_its_split_says_so() -> None:
    assert wilson_interval(2, 9).split == "not stated"
    assert wilson_interval(2, 9).from_split("test").split == "test"


def test_an_interval_that_touches_the_value_is_not_above_it() -> None:
    figure = wilson_interval(5, 9)
    assert figure.wholly_above(figure.low - 1e-9)
    assert not figure.wholly_above(figure.low)
