"""What is explained is the very score of the analysis, with crop and further columns fixed."""

import numpy as np
import pytest
import torch

from deepmed.learning.detectors import make_detector
from deepmed.learning.encoders import HogPyramidEncoder
from deepmed.learning.errors import NotDifferentiableError, SaliencyGenerationError
from deepmed.learning.saliency import PageScore, ScoreFunction
from deepmed.learning.saliency.example import example_page, example_sheet

from .conftest import PatchMeans, Picture, linear_page


@pytest.mark.req("D-17.1")
@pytest.mark.parametrize("name", ["knn", "pca", "mahalanobis", "isolation_forest"])
def test_the_explained_score_is_that_of_the_detector(name: str) -> None:
    page = example_page(name)
    function = page.function
    vector = function.encoder.embed([example_sheet(5, bar=True)])
    assert page.scores(page.pixels) == function.detector.score_samples(vector)


def test_the_tensor_score_equals_the_stored_one_with_an_age_beside_the_vector() -> None:
    encoder = HogPyramidEncoder(device="cpu")
    vectors = encoder.embed([example_sheet(place) for place in range(6)])
    ages = np.array([4.0, 5.0, 6.0, 4.5, 5.5, 6.5])
    detector = make_detector("knn").fit(np.column_stack([vectors.astype(np.float64), ages]))
    prepared = encoder.prepare([example_sheet(7, bar=True)])
    at_four, at_nine = (ScoreFunction(encoder, detector, (age,)).at(prepared) for age in (4.0, 9.0))
    vector = encoder.encode(prepared).double().numpy()
    expected = detector.score_samples(np.column_stack([vector, [9.0]]))
    assert at_nine.scores(prepared.pixels) == expected
    assert at_nine.scores(prepared.pixels) > at_four.scores(prepared.pixels)
    tensor = at_nine.function.score_vectors(encoder.encode(prepared)).item()
    assert tensor == pytest.approx(expected[0], abs=1e-9)


@pytest.mark.req("D-17.1")
@pytest.mark.parametrize("name", ["knn", "pca", "mahalanobis"])
def test_the_gradient_is_the_slope_of_the_score(name: str) -> None:
    page = example_page(name)
    # Slanting soft shapes: an upright line lies on the kink between two orientations.
    waves = torch.sin(torch.linspace(0, 9, 224)[:, None] + torch.linspace(0, 17, 224) ** 1.2)
    page = PageScore(page.function, page.page.with_pixels((0.5 + 0.4 * waves)[None, None]))
    gradient = page.gradient(page.pixels)
    step = 1e-5 * gradient.sign()
    up, down = page.scores(page.pixels + step)[0], page.scores(page.pixels - step)[0]
    assert (gradient * step).sum().item() == pytest.approx((up - down) / 2, rel=0.02)


def test_a_score_without_gradient_refuses_one() -> None:
    page = example_page("isolation_forest")
    with pytest.raises(NotDifferentiableError, match="occlusion"):
        page.gradient(page.pixels)


def test_a_map_is_of_one_drawing(picture: Picture) -> None:
    encoder = PatchMeans()
    function = linear_page(picture, encoder).function
    with pytest.raises(SaliencyGenerationError, match="one drawing"):
        function.at(encoder.prepare([picture, picture]))


def test_replaced_patches_hold_the_fill_and_the_others_the_drawing(page: PageScore) -> None:
    filled = np.zeros((1, 196), dtype=bool)
    filled[0, 15] = True  # second row, second column
    fill = torch.full_like(page.pixels, 0.25)
    mixed = page.mixed(fill, filled)
    assert (mixed[0, :, 16:32, 16:32] == 0.25).all()
    mixed[0, :, 16:32, 16:32] = page.pixels[0, :, 16:32, 16:32]
    assert torch.equal(mixed, page.pixels)


@pytest.mark.req("D-17.2")
def test_the_crop_stays_fixed_whatever_is_filled(picture: Picture) -> None:
    encoder = PatchMeans()
    page = linear_page(picture, encoder)
    encoder.seen.clear()
    page.mixed_scores(torch.ones_like(page.pixels), np.eye(196, dtype=bool)[:40])
    assert len(encoder.seen) == 2  # 32 and 8 pictures
    for shown in encoder.seen:
        assert (shown.frames == page.page.frames).all()
        assert (shown.extras == page.page.extras).all()


def test_a_batch_scores_like_its_pictures_alone() -> None:
    page = example_page()
    filled = np.eye(196, dtype=bool)[40:45]
    fill = torch.ones_like(page.pixels)
    together = page.mixed_scores(fill, filled)
    alone = [page.mixed_scores(fill, row[None])[0] for row in filled]
    assert together.tolist() == alone
