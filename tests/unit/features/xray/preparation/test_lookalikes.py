"""Images that are alike, found by their pixels."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from deepmed.features.xray.preparation import Lookalike, find_lookalikes, pixel_correlation
from deepmed.features.xray.preparation.lookalikes import _listed
from deepmed.features.xray.source.stored import write_image
from deepmed.learning.imaging.rows import ImageRow

Pixels = NDArray[np.uint8]


def blobs(seed: int, side: int = 160) -> Pixels:
    """Something smooth, as films are."""
    coarse = np.random.default_rng(seed).integers(0, 256, (12, 12), dtype=np.uint8)
    large = Image.fromarray(coarse).resize((side, side), Image.Resampling.BICUBIC)
    return np.repeat(np.asarray(large)[..., None], 3, axis=2)


def noisy(pixels: Pixels, spread: float) -> Pixels:
    noise = np.random.default_rng(0).normal(0, spread, pixels.shape[:2])[..., None]
    return (pixels + noise).clip(0, 255).astype(np.uint8)


def kept(folder: Path, images: list[tuple[str, Pixels]]) -> list[ImageRow]:
    rows = []
    for at, (patient, pixels) in enumerate(images):
        digest, path = write_image(folder, pixels)
        rows.append(ImageRow(f"i{at}", path, patient, 0, digest))
    return rows


@pytest.mark.req("X-2.2")
def test_a_film_that_was_scaled_or_brightened_is_found_and_others_are_not(tmp_path: Path) -> None:
    first = blobs(1)
    small = np.asarray(Image.fromarray(first).resize((96, 96), Image.Resampling.LANCZOS))
    bright = (first * 0.7 + 60).astype(np.uint8)
    rows = kept(
        tmp_path,
        [
            ("a", first),
            ("b", small),
            ("c", bright),
            *((f"x{at}", blobs(9 + at)) for at in range(30)),
        ],
    )
    found = find_lookalikes(rows)
    assert {(one.first, one.second) for one in found} == {("i0", "i1"), ("i0", "i2"), ("i1", "i2")}
    assert all(one.binds for one in found)


@pytest.mark.req("X-2.2")
def test_a_film_that_is_only_alike_is_listed_and_does_not_bind(tmp_path: Path) -> None:
    other = noisy(blobs(1), 12) // 2 + noisy(blobs(1), 3) // 2
    other[:60, :60] = other[:60, :60] // 3 * 2 + 40
    rows = kept(tmp_path, [("a", blobs(1)), ("b", other)])
    (found,) = find_lookalikes(rows)
    assert 0.97 < found.correlation < 0.995
    assert not found.binds


def test_images_of_one_patient_and_equal_files_are_no_pairs(tmp_path: Path) -> None:
    rows = kept(tmp_path, [("a", blobs(1)), ("a", noisy(blobs(1), 2)), ("b", blobs(1))])
    assert [(one.first, one.second) for one in find_lookalikes(rows)] == [("i1", "i2")]


def test_the_correlation_is_pearsons_of_grey_at_128() -> None:
    first, second = blobs(1, 128), noisy(blobs(1, 128), 30)
    expected = np.corrcoef(first[..., 0].ravel(), second[..., 0].ravel())[0, 1]
    assert abs(pixel_correlation(first, second) - expected) < 1e-5
    assert pixel_correlation(first, np.full_like(first, 7)) == 0


@pytest.mark.req("X-2.2")
def test_a_persons_word_is_kept_with_the_pair_even_where_nothing_else_shows_it(
    tmp_path: Path,
) -> None:
    rows = kept(tmp_path, [("a", blobs(1)), ("b", noisy(blobs(1), 2)), ("c", blobs(5))])
    found = find_lookalikes(rows, verdicts={("i1", "i0"): False, ("i2", "i0"): True})
    told = {(one.first, one.second): (one.confirmed, one.binds) for one in found}
    assert told[("i0", "i1")] == (False, True)
    assert told[("i0", "i2")] == (True, True)
    (far,) = [one for one in found if one.second == "i2" and one.first == "i0"]
    assert far.correlation == pytest.approx(pixel_correlation(blobs(1), blobs(5)), abs=1e-5)


def test_the_list_is_as_long_as_somebody_can_look_through() -> None:
    pairs = [Lookalike(f"a{at}", f"b{at}", 0.98 + at / 1e6) for at in range(600)]
    binding = [Lookalike("x", "y", 0.9), Lookalike("v", "w", 0.999), *pairs]
    listed = _listed(binding)
    assert len(listed) == 500
    assert listed[0].first == "v"
    assert listed[1].correlation > listed[-1].correlation
