"""The slots of one category: they neither dominate the other columns nor vanish beside them."""

import numpy as np
import pytest

from deepmed.learning.detectors import detector_names, make_detector
from deepmed.learning.detectors.errors import DetectorParameterError
from deepmed.learning.detectors.standardization import Standardization

VISUAL = 96


def rows(shares: list[float], n: int = 400, unit: float = 1.0) -> np.ndarray:
    """Columns of several sizes, beside 64 slots of a category with these shares."""
    random = np.random.default_rng(0)
    visual = random.normal(size=(n, VISUAL)) * np.geomspace(0.3, 3, VISUAL) * unit
    slots = np.eye(64)[np.repeat(np.arange(len(shares)), (np.array(shares) * n).astype(int))]
    return np.hstack([visual, slots])


@pytest.mark.parametrize("shares", [[0.5, 0.5], [0.25] * 4, [0.9, 0.1], [0.995, 0.005]])
@pytest.mark.parametrize("unit", [1e-3, 1.0, 1e3])
def test_their_variance_is_at_most_a_twelfth_of_the_others(
    shares: list[float], unit: float
) -> None:
    """64 of 832 columns would have 64/768 of what the other 768 have, each weighing the same."""
    matrix = rows(shares, unit=unit)
    deviations = (matrix - matrix.mean(axis=0)) / Standardization.fit(matrix, 64).scale
    visual, slots = deviations[:, :VISUAL], deviations[:, VISUAL:]
    share = slots.var(axis=0).sum() / visual.var(axis=0).sum()
    assert share == pytest.approx((1 - np.sum(np.square(shares))) * 64 / 768)


def test_a_rare_category_and_one_that_nobody_had_are_as_far_as_any_other() -> None:
    matrix = rows([0.6, 0.395, 0.005])
    fitted = Standardization.fit(matrix, 64)
    one_hot = np.eye(64) / fitted.scale[VISUAL:]
    apart = [np.linalg.norm(one_hot[0] - one_hot[other]) for other in (1, 2, 63)]
    assert apart == pytest.approx([apart[0]] * 3)
    # Each by its own deviation, the third would lie some fourteen times as far out as the second.
    plain = Standardization.fit(matrix)
    assert plain.scale[VISUAL + 1] > 5 * plain.scale[VISUAL + 2]


def test_the_other_columns_are_scaled_as_without_slots() -> None:
    matrix = rows([0.5, 0.5])
    with_slots = Standardization.fit(matrix, 64)
    alone = Standardization.fit(matrix[:, :VISUAL])
    assert with_slots.scale[:VISUAL] == pytest.approx(alone.scale)
    assert with_slots.mean[:VISUAL] == pytest.approx(alone.mean)


def test_they_do_not_vanish() -> None:
    """The same picture under another category is told from itself, and by less than a strange one.

    A picture whose every column lies three deviations out is far more unusual than a wrong name.
    """
    matrix = rows([0.5, 0.5])
    detector = make_detector("knn").fit(matrix, slots=64)
    own = matrix[:1]
    wrong, strange = own.copy(), own.copy()
    wrong[0, VISUAL:] = np.eye(64)[40]
    strange[0, :VISUAL] += 3 * matrix[:, :VISUAL].std(axis=0)
    typical, misnamed, odd = detector.score_samples(np.vstack([own, wrong, strange]))
    assert typical < misnamed < odd


@pytest.mark.parametrize("name", detector_names())
def test_every_detector_takes_them_and_keeps_how_many(name: str) -> None:
    parameters = {"config": {"epochs": 1}} if name == "autoencoder" else {}
    detector = make_detector(name, **parameters).fit(rows([0.5, 0.5], n=40), slots=64)
    arrays, record = detector.get_state()
    assert record["slots"] == 64
    assert type(detector).from_state(arrays, record).slots_ == 64


@pytest.mark.parametrize("slots", [-1, VISUAL + 64, 1000])
def test_a_column_must_be_left(slots: int) -> None:
    with pytest.raises(DetectorParameterError, match="slots"):
        make_detector("knn").fit(rows([0.5, 0.5]), slots=slots)
