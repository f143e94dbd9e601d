"""Words only where a difference lies beyond chance."""

from typing import Any

import pytest

from deepmed.features.drawings.encoders.tasks import CONSTANT, ENCODER, Row, Task, Terms, View
from deepmed.features.drawings.encoders.verdicts import of_task, overall
from deepmed.learning.evaluation import Interval


def interval(low: float, high: float) -> Interval:
    return Interval(
        estimate=(low + high) / 2,
        low=low,
        high=high,
        level=0.95,
        method="made up",
        unit="child",
        sample_size=20,
        n_items=20,
    )


def task(name: str = "retrieval", *, other: Interval, nothing: Interval | None = None) -> Task:
    rows = [Row("mine", ENCODER, interval(0.4, 0.6)), Row("other", ENCODER, None, other)]
    beside = nothing or interval(-0.5, -0.3)
    return Task(name, "a share", rows=[*rows, Row("always the same", CONSTANT, None, beside)])


@pytest.mark.parametrize(
    ("bounds", "says"),
    [
        ((0.01, 0.2), "other is better than mine in finding drawings of the same subject: +0.105"),
        ((-0.2, -0.01), "other is worse than mine"),
        ((-0.01, 0.2), "No encoder differs from mine beyond chance"),
        ((-0.2, 0.0), "No encoder differs from mine beyond chance"),
    ],
)
def test_a_question_is_decided_by_the_whole_interval(
    bounds: tuple[float, float], says: str
) -> None:
    assert of_task(task(other=interval(*bounds)), "mine").startswith(says)


def test_an_encoder_that_tells_no_more_than_nothing_is_said_to() -> None:
    even = task(other=interval(-0.1, 0.1), nothing=interval(-0.1, 0.02))
    assert "mine is not better than always the same beyond chance." in of_task(even, "mine")
    clear = task(other=interval(-0.1, 0.1))
    assert "not better" not in of_task(clear, "mine")


@pytest.mark.parametrize(
    ("first", "second", "changes"),
    [
        ((0.01, 0.2), (-0.1, 0.1), True),
        ((0.01, 0.2), (-0.2, -0.1), False),
        ((-0.1, 0.1), (-0.1, 0.1), False),
    ],
)
def test_a_change_is_named_only_where_nothing_becomes_worse(
    first: tuple[float, float], second: tuple[float, float], *, changes: bool
) -> None:
    both = [task(other=interval(*first)), task("age error", other=interval(*second))]
    found = overall(both, "mine")
    assert ("other in finding drawings of the same subject" in found) is changes
    assert ("no reason here to change" in found) is not changes


def test_a_question_without_figures_says_why() -> None:
    empty = Task("retrieval", "a share", reason="No subjects.")
    assert of_task(empty, "mine").endswith("No subjects.")


def test_more_comparisons_need_stronger_evidence() -> None:
    def terms(encoders: int) -> Terms:
        views: list[Any] = [View(str(n), ENCODER, None, None) for n in range(encoders)]
        return Terms.of("0", views, 0)

    assert terms(1).level == pytest.approx(0.95)
    assert terms(2).level == pytest.approx(1 - 0.05 / 3)
    assert terms(5).level == pytest.approx(1 - 0.05 / 12)
