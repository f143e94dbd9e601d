import numpy as np
import pytest

from deepmed.features.drawings.bench.neighbours import nearest_other, nearest_rows


def test_the_nearest_is_of_another_child() -> None:
    view = np.array([[0.0], [0.1], [1.0], [1.2]])
    assert nearest_other(view, np.array([7, 7, 8, 9])).tolist() == [2, 2, 3, 2]


@pytest.mark.req("V-5.1")
def test_the_most_frequent_answer_stands_beside() -> None:
    view = np.array([[0.0], [0.1], [1.0], [1.1], [0.2]])
    truths = {"subject": ("bird", "bird", "dog", "dog", "bird")}
    rows = list(nearest_rows({"given": view}, np.arange(5), truths, seed=0))
    assert [(row["name"], row["estimate"]) for row in rows] == [
        ("given", 1.0),
        ("most frequent answer", 0.6),
    ]
    assert rows[0]["chance"] == 0.5
    assert rows[0]["low"] < 1.0
