import pytest

from deepmed.app.bench.platform.figures import Figure


@pytest.mark.req("P-17.1")
@pytest.mark.parametrize(
    ("figure", "passed"),
    [
        (Figure([1.0, 9.0, 2.0], "s", 3.0), True),
        (Figure([1.0, 3.0, 4.0], "s", 3.0), False),
        (Figure([600.0], "MB/s", 500.0, at_least=True), True),
        (Figure([500.0], "MB/s", 500.0, at_least=True), True),
        (Figure([499.0], "MB/s", 500.0, at_least=True), False),
        (Figure([1.0], "s", 3.0, condition=("each once", False)), False),
        (Figure([9.0], "s", 3.0, condition=("each once", True)), False),
        (Figure([1.0], "s"), None),
        (Figure([1.0], "s", condition=("each once", False)), False),
    ],
)
def test_a_figure_passes_where_its_median_keeps_the_promise(
    figure: Figure, *, passed: bool | None
) -> None:
    assert figure.passed is passed
    assert figure.to_dict()["passed"] is passed


def test_the_written_figure_has_all_its_runs() -> None:
    figure = Figure([0.123456, 0.2, 0.3], "s", 4.0, condition=("each once", True))
    assert figure.to_dict() == {
        "value": 0.2,
        "unit": "s",
        "limit": 4.0,
        "at_least": False,
        "passed": True,
        "runs": [0.1235, 0.2, 0.3],
        "condition": "each once",
        "condition_holds": True,
    }
