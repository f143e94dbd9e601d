"""The methods against contributions that are known."""

import numpy as np
import pytest
import torch

from deepmed.learning.detectors import make_detector
from deepmed.learning.encoders import Prepared, VisionTransformerWrapper
from deepmed.learning.errors import (
    AttentionVisualizationError,
    NotDifferentiableError,
    SaliencyGenerationError,
)
from deepmed.learning.saliency import (
    CONTROLS,
    METHODS,
    AttentionRollout,
    Fill,
    GradCAMViT,
    PageScore,
    PatchImportanceScorer,
    SaliencyMap,
    SaliencyMapGenerator,
    ScoreFunction,
    paper_fill,
)
from deepmed.learning.saliency.example import example_page
from deepmed.learning.saliency.gradients import integrated_gradients

from .conftest import WEIGHTS, Attentive, Picture, Weighted, linear_page, patch_means

COMPARING = ["gradient", "integrated_gradients", "occlusion", "two_sided_occlusion"]


@pytest.mark.req("D-17.1")
@pytest.mark.parametrize("method", COMPARING)
@pytest.mark.parametrize("level", [1.0, 0.3])
def test_where_the_score_is_a_sum_every_method_finds_its_terms(
    page: PageScore, picture: Picture, method: str, level: float
) -> None:
    fill = Fill("test", torch.full_like(page.pixels, level))
    made = SaliencyMapGenerator(page.function).generate_saliency_map(page.page, method, fill)
    expected = WEIGHTS.reshape(14, 14) * (patch_means(picture) - level)
    assert made.values == pytest.approx(expected, abs=1e-5)
    assert made.score == pytest.approx((WEIGHTS * patch_means(picture).ravel()).sum(), abs=1e-5)
    assert made.explains_score
    assert made.fill == "test"
    assert made.frame == (-10.0, 5.0, 214.0, 229.0)


def test_integrated_gradients_add_up_to_the_difference_of_the_scores(picture: Picture) -> None:
    page = linear_page(picture, power=2)
    made = integrated_gradients(page, paper_fill(page))
    whole, empty = page.scores(page.pixels)[0], page.scores(torch.ones_like(page.pixels))[0]
    assert made.sum() == pytest.approx(whole - empty, rel=1e-4)


def test_two_sided_occlusion_is_the_mean_of_leaving_and_coming(picture: Picture) -> None:
    page = linear_page(picture, power=2)
    means = patch_means(picture)
    made = SaliencyMapGenerator(page.function).generate_saliency_map(page.page)
    # Patches do not interact here, so leaving and coming are the same term.
    assert made.values == pytest.approx(WEIGHTS.reshape(14, 14) * (means**2 - 1), abs=1e-5)


def test_sensitivity_is_the_size_of_the_gradient(page: PageScore) -> None:
    scorer = PatchImportanceScorer(page.function)
    found = scorer.compute_gradient_importance(page.page)
    assert found == pytest.approx(np.abs(WEIGHTS), rel=1e-5)
    assert scorer.reshape_to_spatial(found)[1, 0] == found[14]
    with pytest.raises(SaliencyGenerationError, match="14 by 14"):
        scorer.reshape_to_spatial(found[:-1])


@pytest.mark.req("D-17.1")
def test_the_named_methods_stand_behind_one_generator() -> None:
    generator = SaliencyMapGenerator(ScoreFunction(Attentive(), Weighted()))
    assert set(generator.available_methods()) == {
        "gradient", "gradient_magnitude", "integrated_gradients", "occlusion",
        "two_sided_occlusion", "grad_cam", "attention_rollout", "attention",
    }  # fmt: skip
    assert set(METHODS) == {*generator.available_methods(), *CONTROLS}


def test_a_detector_without_gradient_is_explained_by_occlusion() -> None:
    page = example_page("isolation_forest")
    generator = SaliencyMapGenerator(page.function)
    assert generator.available_methods() == ["occlusion", "two_sided_occlusion"]
    with pytest.raises(NotDifferentiableError):
        generator.generate_saliency_map(page.page, "integrated_gradients")


@pytest.mark.req("D-17.1")
@pytest.mark.req("V-4.1")
@pytest.mark.parametrize("method", COMPARING)
def test_a_map_follows_the_score_and_not_the_drawing_alone(page: PageScore, method: str) -> None:
    opposite = ScoreFunction(page.function.encoder, Weighted(-2 * WEIGHTS))
    made = SaliencyMapGenerator(page.function).generate_saliency_map(page.page, method)
    other = SaliencyMapGenerator(opposite).generate_saliency_map(page.page, method)
    assert other.values == pytest.approx(-2 * made.values, abs=1e-5)


@pytest.mark.parametrize("method", ["occlusion", "two_sided_occlusion"])
def test_what_no_typical_sheet_has_is_found(method: str) -> None:
    page = example_page()
    made = SaliencyMapGenerator(page.function).generate_saliency_map(page.page, method)
    row, column = np.unravel_index(made.values.argmax(), made.values.shape)
    assert 2 <= row <= 4
    assert 2 <= column <= 5


def test_an_unknown_method_is_refused_with_the_known_ones(page: PageScore) -> None:
    with pytest.raises(SaliencyGenerationError, match="two_sided_occlusion"):
        SaliencyMapGenerator(page.function).generate_saliency_map(page.page, "magic")


def test_a_map_that_is_not_finite_is_refused(page: PageScore) -> None:
    broken = ScoreFunction(page.function.encoder, Weighted(np.full(196, np.nan)))
    with pytest.raises(SaliencyGenerationError, match="not finite"):
        SaliencyMapGenerator(broken).generate_saliency_map(page.page, "gradient")


def test_shares_are_of_what_raises_the_score() -> None:
    made = SaliencyMap(np.array([[3.0, -9.0, 1.0]]), "occlusion", 1.0, "e", "paper", (0, 0, 1, 1))
    assert made.shares.tolist() == [[0.75, 0.0, 0.25]]
    assert made.scaled.tolist() == [[1.0, 0.0, pytest.approx(1 / 3)]]
    nothing = SaliencyMap(-(made.values**2), "occlusion", 1.0, "e", "paper", (0, 0, 1, 1))
    assert not nothing.shares.any()
    assert not nothing.scaled.any()


# Attention


def attentive() -> ScoreFunction:
    return ScoreFunction(Attentive(), Weighted(np.array([1.0, -2.0, 0.5, 3.0])))


def one_page(function: ScoreFunction) -> Prepared:
    return function.encoder.prepare([np.full((224, 224, 3), 255, np.uint8)])


@pytest.mark.req("D-17.1")
def test_rollout_follows_attention_by_hand() -> None:
    function = attentive()
    found = AttentionRollout(function.encoder).generate_rollout(one_page(function))
    flow = np.eye(5)
    for layer in Attentive.attentions:
        flow = (layer[0].numpy().astype(np.float64).mean(axis=0) + np.eye(5)) / 2 @ flow
    assert found == pytest.approx(flow[0, 1:].reshape(2, 2), abs=1e-6)


@pytest.mark.req("D-17.1")
def test_grad_cam_weights_tokens_by_the_gradient_of_the_score() -> None:
    function = attentive()
    found = GradCAMViT(function).generate_cam(one_page(function))
    weights = function.detector.weights
    # d score / d token[t, c] = sum over d of mixing[t, c, d] * weights[d]
    slopes = Attentive.mixing.numpy()[1:] @ weights
    expected = Attentive.tokens[0, 1:].numpy() @ slopes.mean(axis=0)
    assert found == pytest.approx(expected.reshape(2, 2), rel=1e-5)


def test_attention_importance_is_the_first_tokens_last_look() -> None:
    function = attentive()
    found = PatchImportanceScorer(function).compute_attention_importance(one_page(function))
    assert found == pytest.approx(Attentive.attentions[1][0, :, 0, 1:].mean(dim=0).numpy())


@pytest.mark.req("V-4.1")
@pytest.mark.parametrize("method", ["attention_rollout", "attention"])
def test_attention_is_not_passed_off_as_an_explanation_of_the_score(method: str) -> None:
    function = attentive()
    made = SaliencyMapGenerator(function).generate_saliency_map(one_page(function), method)
    assert not made.explains_score
    assert made.fill == "none"


@pytest.mark.parametrize("method", ["attention_rollout", "grad_cam", "attention"])
def test_an_encoder_without_attention_says_so(page: PageScore, method: str) -> None:
    with pytest.raises(AttentionVisualizationError, match="integrated gradients or occlusion"):
        SaliencyMapGenerator(page.function).generate_saliency_map(page.page, method)


def test_maps_of_a_real_transformer(
    tiny_transformer: VisionTransformerWrapper, picture: Picture
) -> None:
    encoder = tiny_transformer
    vectors = encoder.embed([np.roll(picture, 10 * shift, axis=0) for shift in range(4)])
    function = ScoreFunction(encoder, make_detector("pca").fit(vectors))
    generator, prepared = SaliencyMapGenerator(function), encoder.prepare([picture])
    for method in ("grad_cam", "attention_rollout", "attention", "integrated_gradients"):
        values = generator.generate_saliency_map(prepared, method).values
        assert values.shape == (14, 14)
        assert values.std() > 0
