"""What stands in for patches that are taken away."""

import numpy as np
import pytest
import torch

from deepmed.learning.calibration import CalibrationSet
from deepmed.learning.encoders import Prepared
from deepmed.learning.errors import SaliencyGenerationError
from deepmed.learning.saliency import (
    PageScore,
    Ranking,
    blur_fill,
    choose_fill,
    nearest_typical,
    paper_fill,
    ranking_of,
)
from deepmed.learning.saliency.example import example_page

from .conftest import Values


def ranked(*p_values: float) -> Ranking:
    """A ranking that gives these p one after the other, whatever the score."""
    given = iter(p_values)
    return lambda scores: np.array([next(given) for _ in scores])


@pytest.mark.req("D-17.2")
@pytest.mark.parametrize(
    ("p_values", "name", "p"),
    [
        ((0.21, 0.9, 0.9), "paper", 0.21),
        ((0.2, 0.3, 0.9), "blur", 0.3),
        ((0.05, 0.2, 0.25), "typical", 0.25),
    ],
)
def test_the_first_fill_whose_page_is_usual_is_taken(
    page: PageScore, p_values: tuple[float, ...], name: str, p: float
) -> None:
    fill = choose_fill(page, ranked(*p_values), page.page)
    assert (fill.name, fill.p) == (name, p)


@pytest.mark.req("D-17.2")
def test_where_no_fill_is_usual_the_figure_is_refused_with_the_reasons(page: PageScore) -> None:
    with pytest.raises(
        SaliencyGenerationError, match=r"paper p = 0\.050, blur p = 0\.100, typical"
    ):
        choose_fill(page, ranked(0.05, 0.1, 0.2), page.page)
    with pytest.raises(SaliencyGenerationError, match=r"blur p = 0\.100"):
        choose_fill(page, ranked(0.05, 0.1))


@pytest.mark.req("D-17.2")
def test_a_completely_filled_page_is_scored_although_it_is_blank(page: PageScore) -> None:
    asked = []

    def rank(scores: Values) -> Values:
        asked.extend(scores.tolist())
        return np.full(len(scores), 0.9)

    choose_fill(page, rank)
    assert asked == page.scores(torch.ones_like(page.pixels)).tolist()


@pytest.mark.req("D-17.2")
def test_the_typical_drawing_stands_in_this_drawings_frame(page: PageScore) -> None:
    moved = Prepared(page.pixels.flip(3), page.page.frames + 50, page.page.extras + 9)
    fill = choose_fill(page, ranked(0.1, 0.1, 0.9), moved)
    assert torch.equal(fill.pixels, page.pixels.flip(3))


def test_a_drawing_of_another_encoder_cannot_stand_in(page: PageScore) -> None:
    with pytest.raises(SaliencyGenerationError, match="same encoder"):
        choose_fill(page, ranked(0.1, 0.1, 0.9), example_page().page)


def test_paper_is_white_and_blur_keeps_the_mean_and_loses_the_lines(page: PageScore) -> None:
    assert (paper_fill(page).pixels == 1).all()
    blurred = blur_fill(page).pixels
    assert blurred.shape == page.pixels.shape
    assert blurred.mean().item() == pytest.approx(page.pixels.mean().item(), abs=0.01)
    assert blurred.std() < 0.1 * page.pixels.std()


def test_blur_is_a_gaussian(page: PageScore) -> None:
    ndimage = pytest.importorskip("scipy.ndimage")
    channel = page.pixels[0, 1].double().numpy()
    expected = ndimage.gaussian_filter(channel, 10, mode="nearest", radius=30)
    assert blur_fill(page).pixels[0, 1].numpy() == pytest.approx(expected, abs=1e-5)


def test_the_ranking_is_the_drawings_own() -> None:
    calibration = CalibrationSet([1.0, 2.0, 3.0, 3.0], ["a", "b", "c", "c"])
    scores = np.array([0.5, 2.0, 9.0])
    assert ranking_of(calibration)(scores).tolist() == [
        calibration.p_value(score) for score in scores
    ]
    assert ranking_of(calibration, "b")(scores).tolist() == [
        calibration.p_value(score, without="b") for score in scores
    ]


def test_the_nearest_typical_drawing_is_measured_in_deviations() -> None:
    random = np.random.default_rng(1)
    typical = random.normal(size=(20, 6)) * [1, 1, 1, 100, 1, 0] + [0, 0, 0, 0, 0, 4]
    row = random.normal(size=6)
    spread = [np.std(typical[:, column]) or 1.0 for column in range(6)]
    distances = [
        sum(((a - b) / s) ** 2 for a, b, s in zip(row, other, spread, strict=True))
        for other in typical
    ]
    assert nearest_typical(row, typical) == int(np.argmin(distances))
    with pytest.raises(SaliencyGenerationError):
        nearest_typical(row, typical[:0])
