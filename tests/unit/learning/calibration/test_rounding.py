import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deepmed.learning.calibration import (
    CalibrationSet,
    ScoreNormalizationError,
    round_score,
    round_scores,
)

repeatable = settings(deadline=None, derandomize=True, max_examples=300)


@repeatable
@given(st.lists(st.floats(-1e300, 1e300), max_size=20))
def test_rounding_many_equals_the_decimal_text_of_each(values: list[float]) -> None:
    expected = [float(f"{value:.9e}") + 0.0 for value in values]
    assert round_scores(values).tolist() == expected


@pytest.mark.parametrize(
    "value",
    [1000.0, 9.9999999999e-5, 1e-13, 1e22, 1e32, 5e-324, 1.00000000005, 12345678905e-10, -0.0]
    + [float(f"1.000000000{digit}5e{power}") for digit in range(10) for power in (-9, 0, 3, 20)],
)
def test_powers_of_ten_and_halves_are_rounded_as_their_decimal_text(value: float) -> None:
    assert round_scores([value]).tolist() == [float(f"{value:.9e}") + 0.0]
    assert math.copysign(1, round_scores([0.0 * value])[0]) == 1


def test_rounding_keeps_the_shape_and_leaves_its_input_alone() -> None:
    scores = np.array([[1 / 3, 2 / 3], [1.0, 0.0]])
    before = scores.copy()
    assert round_scores(scores).shape == (2, 2)
    np.testing.assert_array_equal(scores, before)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf, 1.7976931348623157e308])
def test_what_is_not_finite_is_refused(bad: float) -> None:
    with pytest.raises(ScoreNormalizationError, match="finite"):
        round_score(bad)
    with pytest.raises(ScoreNormalizationError, match="finite"):
        round_scores([1.0, bad])


@pytest.mark.req("D-9.4")
def test_noise_beyond_ten_digits_breaks_no_tie() -> None:
    calibration = CalibrationSet([0.7, 0.7 * (1 + 1e-12), 0.5], ["ann", "bob", "cas"])
    assert calibration.count(0.7 * (1 + 2e-12)) == (2.0, 3)
    assert calibration.count(0.7 * (1 + 1e-8)) == (0.0, 3)
