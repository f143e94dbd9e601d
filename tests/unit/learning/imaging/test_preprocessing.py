"""One way from an image to numbers, and a record that says which."""

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from deepmed.learning.imaging import Enhancement, Preprocessing, PreprocessingRecordError

COLOUR = np.random.default_rng(1).integers(0, 256, (40, 30, 3), np.uint8)
GREY = np.repeat(COLOUR[..., :1], 3, axis=2)
KINDS = [
    Preprocessing((32, 32)),
    Preprocessing((16, 24), "L", (0.4,), (0.3,), fit="stretch"),
    Preprocessing(
        (24, 24), enhancement=Enhancement(adaptive_histogram=True, edge_enhancement=True)
    ),
]


def test_without_scaling_it_is_the_textbook_formula() -> None:
    preprocessing = Preprocessing((40, 30), mean=(0.1, 0.2, 0.3), std=(0.5, 0.6, 0.7))
    image = torch.from_numpy(COLOUR).permute(2, 0, 1) / 255
    mean, std = (
        torch.tensor(each)[:, None, None] for each in (preprocessing.mean, preprocessing.std)
    )
    torch.testing.assert_close(preprocessing.apply(COLOUR), (image - mean) / std)


def test_grey_in_three_planes_differs_by_mean_and_std_alone() -> None:
    preprocessing = Preprocessing((16, 16), mean=(0.0, 0.2, 0.4), std=(1.0, 0.5, 0.25))
    assert preprocessing.pixels(GREY).shape == (16, 16, 1)
    red, green, blue = preprocessing.apply(GREY)
    torch.testing.assert_close(green, (red - 0.2) / 0.5)
    torch.testing.assert_close(blue, (red - 0.4) / 0.25)


def test_colour_becomes_grey_by_brightness() -> None:
    preprocessing = Preprocessing((1, 1), "L", (0.0,), (1.0,))
    green = np.zeros((1, 1, 3), np.uint8)
    green[..., 1] = 255
    assert preprocessing.apply(green).item() == pytest.approx(0.587, abs=0.003)


def test_proportions_are_kept_and_the_rest_is_black() -> None:
    wide = np.full((10, 40, 3), 255, np.uint8)
    pixels = Preprocessing((20, 20)).pixels(wide)[..., 0]
    rows = np.flatnonzero(pixels.any(axis=1))
    assert (rows.min(), rows.max(), len(rows)) == (7, 11, 5)
    assert (pixels[7:12] == 255).all()


def test_where_the_image_lies_is_where_its_pixels_are() -> None:
    for height, width in ((10, 40), (41, 17), (3, 300), (300, 3), (7, 7)):
        preprocessing = Preprocessing((20, 24))
        top, left, inner, across = preprocessing.placement(height, width)
        white = preprocessing.pixels(np.full((height, width, 3), 255, np.uint8))[..., 0]
        expected = np.zeros((20, 24), np.uint8)
        expected[top : top + inner, left : left + across] = 255
        np.testing.assert_array_equal(white, expected)


@pytest.mark.parametrize("preprocessing", KINDS, ids=["pad", "stretch", "enhanced"])
def test_a_record_read_again_gives_the_same_bits(preprocessing: Preprocessing) -> None:
    read = Preprocessing.from_json(json.dumps(preprocessing.to_json()))
    assert read == preprocessing
    for image in (COLOUR, GREY):
        assert torch.equal(read.apply(image), preprocessing.apply(image))


def test_a_record_that_means_something_else_here_is_refused() -> None:
    record = Preprocessing((16, 16)).to_json()
    record["fingerprint"] = Preprocessing((16, 16), std=(0.2, 0.2, 0.2)).fingerprint
    with pytest.raises(PreprocessingRecordError, match="other numbers"):
        Preprocessing.from_json(record)


@pytest.mark.parametrize(
    "change",
    [
        {"record": "something"},
        {"version": "image-0"},
        {"size": [0, 10]},
        {"size": 5},
        {"size": [16.5, 16]},
        {"mean": [0.5]},
        {"std": [0.0, 1.0, 1.0]},
        {"color_mode": "HSV"},
        {"fit": "crop"},
        {"unknown": 1},
        {"enhancement": {"clip_limit": -1}},
    ],
    ids=lambda change: next(iter(change)),
)
def test_what_is_no_record_is_refused_in_words(change: dict[str, Any]) -> None:
    with pytest.raises(PreprocessingRecordError, match="nothing was loaded"):
        Preprocessing.from_json({**Preprocessing().to_json(), **change})


@pytest.mark.parametrize("text", ["", "[]", "null", "{}"])
def test_other_json_is_refused_in_words(text: str) -> None:
    with pytest.raises(PreprocessingRecordError, match="nothing was loaded"):
        Preprocessing.from_json(text)


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((4, 4), np.uint8),
        np.zeros((4, 4, 3), np.float32),
        np.zeros((4, 4, 4), np.uint8),
        np.zeros((0, 4, 3), np.uint8),
    ],
    ids=["flat", "floating", "four-planes", "empty"],
)
def test_what_is_no_image_is_refused(image: np.ndarray) -> None:
    with pytest.raises(ValueError, match="An image is uint8"):
        Preprocessing((8, 8)).apply(image)


def test_kept_planes_are_shared_exactly_where_they_are_equal() -> None:
    base = Preprocessing((16, 16))
    assert replace(base, mean=(0.5, 0.5, 0.5)).pixels_key == base.pixels_key
    others = [
        replace(base, size=(16, 17)),
        replace(base, fit="stretch"),
        replace(base, enhancement=Enhancement()),
        Preprocessing((16, 16), "L", (0.5,), (0.5,)),
    ]
    assert len({each.pixels_key for each in [base, *others]}) == 5
