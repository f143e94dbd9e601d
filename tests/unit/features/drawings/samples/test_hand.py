import numpy as np
import pytest

from deepmed.features.drawings.samples.hand import draw_hand
from deepmed.features.drawings.samples.sheet import SIZE, Sheet


def _deviation(age: float, seed: int) -> float:
    """How far, in pixels, the line that was meant to be straight strays from a straight one."""
    rng = np.random.default_rng(seed)
    sheet = Sheet(draw_hand(age, rng), rng)
    sheet.line([(0.1, 0.5), (0.9, 0.5)], (0, 0, 0))
    page = 255.0 - sheet.finish().mean(axis=2)
    columns = np.arange(40, 185)
    rows = (page[:, columns] * np.arange(SIZE)[:, None]).sum(axis=0) / page[:, columns].sum(axis=0)
    straight = np.polyval(np.polyfit(columns, rows, 1), columns)
    return float(np.std(rows - straight))


@pytest.mark.req("D-3.1")
def test_lines_become_steadier_with_age() -> None:
    by_age = [np.mean([_deviation(age, seed) for seed in range(12)]) for age in (3.5, 5.5, 7.5, 11)]
    assert by_age[0] > 1.3 * by_age[1] > 1.3 * 1.15 * by_age[2]
    assert by_age[2] > 1.3 * by_age[3]


@pytest.mark.req("D-3.1")
def test_closed_shapes_close_better_with_age() -> None:
    gaps = [
        np.mean([draw_hand(age, np.random.default_rng(seed)).gap for seed in range(20)])
        for age in (3.5, 6.0, 9.0, 12.0)
    ]
    assert gaps == sorted(gaps, reverse=True)
    assert gaps[0] > 3 * gaps[3]


def test_hands_of_one_age_differ() -> None:
    hands = [draw_hand(7.0, np.random.default_rng(seed)) for seed in range(40)]
    assert len({hand.tool for hand in hands}) >= 3
    assert 0.3 < np.std([hand.level for hand in hands]) < 0.8
