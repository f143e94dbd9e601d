"""Insertion and deletion against a reference that paints patch by patch."""

import numpy as np
import pytest
import torch
from scipy import ndimage

from deepmed.learning.saliency import (
    Curves,
    Fill,
    PageScore,
    SaliencyMapGenerator,
    explain_and_measure,
    insertion_deletion,
    measure_faithfulness,
    paper_fill,
)
from deepmed.learning.saliency.controls import ink_density_map, random_map, sobel_map
from deepmed.learning.saliency.maps import patch_order

from .conftest import WEIGHTS, Picture, Values, linear_page, patch_means


def p_of(scores: Values) -> Values:
    """A smooth ranking: the higher the score, the smaller p."""
    return 1 / (1 + np.exp(scores / 4))


@pytest.mark.req("D-17.2")
def test_the_curves_are_those_of_painting_by_hand(page: PageScore, picture: Picture) -> None:
    level = 0.8
    fill = Fill("test", torch.full_like(page.pixels, level))
    values = np.random.default_rng(5).normal(size=(14, 14))
    curves = insertion_deletion(page, p_of, fill, values)
    order = np.argsort(-values.ravel())
    means, insertion, deletion = patch_means(picture).ravel(), [], []
    for step in range(17):
        moved = order[: round(196 * step / 16)]
        inserted, deleted = np.full(196, level), means.copy()
        inserted[moved], deleted[moved] = means[moved], level
        insertion.append(1 - p_of(WEIGHTS @ inserted))
        deletion.append(1 - p_of(WEIGHTS @ deleted))
    assert curves.insertion == pytest.approx(np.array(insertion), abs=1e-5)
    assert curves.deletion == pytest.approx(np.array(deletion), abs=1e-5)
    areas = [sum((c[k] + c[k + 1]) / 2 for k in range(16)) / 16 for c in (insertion, deletion)]
    assert curves.insertion_area == pytest.approx(areas[0], abs=1e-5)
    assert curves.deletion_area == pytest.approx(areas[1], abs=1e-5)
    assert curves.score == pytest.approx(areas[0] - areas[1], abs=1e-5)


@pytest.mark.req("D-17.2")
def test_there_are_sixteen_steps_and_areas_are_between_0_and_1(page: PageScore) -> None:
    curves = insertion_deletion(page, p_of, paper_fill(page), np.eye(14))
    assert len(curves.insertion) == len(curves.deletion) == 17
    always = Curves(np.ones(17), np.zeros(17))
    assert (always.insertion_area, always.deletion_area, always.score) == (1.0, 0.0, 1.0)


@pytest.mark.req("D-17.2")
def test_controls_stand_beside_every_map(page: PageScore) -> None:
    made = SaliencyMapGenerator(page.function).generate_saliency_map(page.page, "occlusion")
    found = measure_faithfulness(page, p_of, [made], paper_fill(page))
    assert set(found.curves) == {
        "random", "sobel", "ink_density", "fill_difference", "occlusion",
    }  # fmt: skip
    assert found.p == pytest.approx(p_of(page.scores(page.pixels))[0])
    assert found.fill_p == pytest.approx(p_of(page.scores(torch.ones_like(page.pixels)))[0])


@pytest.mark.req("V-4.1")
def test_the_true_contributions_beat_every_control_and_their_opposite_loses(
    page: PageScore,
) -> None:
    made = SaliencyMapGenerator(page.function).generate_saliency_map(page.page, "occlusion")
    scores = measure_faithfulness(page, p_of, [made], paper_fill(page)).scores
    assert scores["occlusion"] > 0.3
    assert all(scores["occlusion"] > scores[name] + 0.1 for name in scores if name != "occlusion")
    opposite = insertion_deletion(page, p_of, paper_fill(page), -made.values)
    assert opposite.score < -0.3


@pytest.mark.req("D-17.2")
def test_the_figure_is_the_same_again(page: PageScore) -> None:
    first, again = (measure_faithfulness(page, p_of, [], paper_fill(page)) for _ in range(2))
    assert first.scores == again.scores


def test_a_random_order_says_nothing_on_average(page: PageScore) -> None:
    scores = [
        insertion_deletion(page, p_of, paper_fill(page), random_map(page, seed)).score
        for seed in range(30)
    ]
    assert abs(np.mean(scores)) < 3 * np.std(scores) / np.sqrt(30)


def test_maps_are_made_with_the_fill_that_they_are_measured_with(page: PageScore) -> None:
    generator = SaliencyMapGenerator(page.function)
    maps, found = explain_and_measure(
        generator, page.page, lambda scores: np.full(len(scores), 0.5), ["gradient", "occlusion"]
    )
    assert [made.method for made in maps] == ["gradient", "occlusion"]
    assert {made.fill for made in maps} == {"paper"} == {found.fill}
    assert {"gradient", "occlusion"} < set(found.scores)


def test_patches_of_equal_value_are_in_no_order_of_place() -> None:
    values = np.zeros((14, 14))
    values[7, 7] = 1.0
    order = patch_order(values, seed=4)
    assert order[0] == 7 * 14 + 7
    assert sorted(order.tolist()) == list(range(196))
    assert abs(np.corrcoef(order[1:], np.arange(195))[0, 1]) < 0.2
    assert order.tolist() != patch_order(values, seed=5).tolist()


def test_the_random_control_belongs_to_the_drawing_and_the_seed(
    page: PageScore, picture: Picture
) -> None:
    other = linear_page(255 - picture)
    assert (random_map(page) == random_map(page)).all()
    assert (random_map(page) != random_map(page, seed=1)).any()
    assert (random_map(page) != random_map(other)).any()


def test_sobel_and_ink_are_what_they_are_called(page: PageScore, picture: Picture) -> None:
    grey = page.pixels[0].double().mean(dim=0).numpy()
    edges = np.hypot(*(ndimage.sobel(grey, axis=axis, mode="nearest") for axis in (0, 1)))
    cells = edges.reshape(14, 16, 14, 16).sum(axis=(1, 3))
    assert sobel_map(page) == pytest.approx(cells, rel=1e-4)
    assert ink_density_map(page) == pytest.approx((1 - patch_means(picture)) * 768, rel=1e-4)
