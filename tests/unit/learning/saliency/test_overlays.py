"""Pictures of maps show the map's numbers and nothing beyond its frame (D-18)."""

import io
import json

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image as Pillow
from scipy.interpolate import RegularGridInterpolator

from deepmed.learning.saliency import SaliencyMap, SaliencyOverlayGenerator
from deepmed.learning.saliency.colours import COLOURMAPS, FILM_COLOURMAPS, colours
from deepmed.learning.saliency.overlays import value_field

from .conftest import Picture

FRAME = (20.0, -10.0, 160.0, 130.0)


@pytest.fixture
def sheet() -> Picture:
    return np.random.default_rng(0).integers(100, 256, (150, 200, 3), dtype=np.uint8)


@pytest.fixture
def made() -> SaliencyMap:
    return SaliencyMap(
        np.random.default_rng(1).normal(size=(14, 14)), "occlusion", 1.0, "e", "paper", FRAME
    )


def outside(shape: tuple[int, ...]) -> NDArray[np.bool_]:
    rows, columns = np.mgrid[: shape[0], : shape[1]] + 0.5
    return (columns < FRAME[0]) | (columns > FRAME[2]) | (rows < FRAME[1]) | (rows > FRAME[3])


@pytest.mark.req("D-18.1")
def test_values_are_joined_linearly_between_the_middles_of_patches(made: SaliencyMap) -> None:
    field = value_field(made.values, FRAME, (200, 150))
    middles = [FRAME[0] + 10 * (np.arange(14) + 0.5), FRAME[1] + 10 * (np.arange(14) + 0.5)]
    exact = RegularGridInterpolator((middles[1], middles[0]), made.values)
    inner = [(y + 0.5, x + 0.5) for y in range(0, 124, 7) for x in range(26, 154, 7)]
    found = [field[int(y), int(x)] for y, x in inner]
    assert found == pytest.approx(exact(inner), abs=1e-5)
    assert (np.isnan(field) == outside(field.shape)).all()


@pytest.mark.req("D-18.1")
@pytest.mark.parametrize("kind", ["heatmap", "contour", "masked"])
def test_an_overlay_leaves_everything_beyond_the_frame_and_below_zero(
    sheet: Picture, made: SaliencyMap, kind: str
) -> None:
    generator = SaliencyOverlayGenerator()
    shown = getattr(generator, f"create_{kind}_overlay")(sheet, made)
    assert shown.picture.shape == sheet.shape
    assert shown.picture.dtype == np.uint8
    assert (shown.picture[outside(sheet.shape)] == sheet[outside(sheet.shape)]).all()
    assert (shown.picture != sheet).any()
    lowering = SaliencyMap(-np.ones((14, 14)), "occlusion", 1.0, "e", "paper", FRAME)
    bare = getattr(generator, f"create_{kind}_overlay")(sheet, lowering)
    assert (bare.picture == sheet).all()


@pytest.mark.req("D-18.1")
@pytest.mark.parametrize("kind", ["heatmap", "contour", "masked", "side_by_side"])
def test_the_numbers_stand_beside_the_picture(sheet: Picture, made: SaliencyMap, kind: str) -> None:
    generator = SaliencyOverlayGenerator()
    shown = generator.create_overlay(kind, sheet, made)
    data = json.loads(json.dumps(shown.data()))
    assert np.array(data["values"]) == pytest.approx(made.values)
    assert data["frame"] == list(FRAME)
    assert (data["kind"], data["method"]) == (kind, "occlusion")


def test_heat_is_strongest_where_the_value_is(made: SaliencyMap) -> None:
    white = np.full((150, 200, 3), 255, np.uint8)
    values = np.zeros((14, 14))
    values[7, 7] = 1.0
    one = SaliencyMap(values, "occlusion", 1.0, "e", "paper", FRAME)
    shown = SaliencyOverlayGenerator().create_heatmap_overlay(white, one).picture.sum(axis=2)
    row, column = np.unravel_index(shown.argmin(), shown.shape)
    assert abs(row - (FRAME[1] + 75)) <= 1
    assert abs(column - (FRAME[0] + 75)) <= 1


def test_the_contour_goes_around_and_not_along_the_edge_of_the_picture(sheet: Picture) -> None:
    everywhere = SaliencyMap(
        np.ones((14, 14)), "occlusion", 1.0, "e", "paper", (-50.0, -50.0, 250.0, 250.0)
    )
    shown = SaliencyOverlayGenerator().create_contour_overlay(sheet, everywhere)
    assert (shown.picture == sheet).all()


def test_the_mask_covers_exactly_what_reaches_the_threshold(
    sheet: Picture, made: SaliencyMap
) -> None:
    shown = SaliencyOverlayGenerator().create_masked_overlay(sheet, made, threshold=0.6, alpha=1.0)
    field = np.nan_to_num(value_field(made.scaled, FRAME, (200, 150)))
    changed = (shown.picture != sheet).any(axis=2)
    assert (changed == (field >= 0.6)).all()


def test_side_by_side_holds_both(sheet: Picture, made: SaliencyMap) -> None:
    generator = SaliencyOverlayGenerator()
    both = generator.create_side_by_side_comparison(sheet, made, "contour").picture
    assert (both[:, :200] == sheet).all()
    assert (both[:, -200:] == generator.create_contour_overlay(sheet, made).picture).all()
    with pytest.raises(ValueError, match="heatmap"):
        generator.create_side_by_side_comparison(sheet, made, "hologram")
    with pytest.raises(ValueError, match="halves"):
        generator.create_side_by_side_comparison(sheet, made, "side_by_side")


def test_a_saved_overlay_is_a_png_without_metadata(sheet: Picture, made: SaliencyMap) -> None:
    generator = SaliencyOverlayGenerator("grey")
    shown = generator.create_heatmap_overlay(sheet, made)
    with Pillow.open(io.BytesIO(generator.save_overlay(shown))) as read:
        assert (read.format, read.info) == ("PNG", {})
        assert (np.asarray(read) == shown.picture).all()


@pytest.mark.parametrize("name", COLOURMAPS)
def test_larger_values_are_darker_in_even_steps(name: str) -> None:
    rgb = colours(np.linspace(0, 1, 101), name) / 255
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    luminance = linear @ [0.2126, 0.7152, 0.0722]
    lightness = 116 * np.cbrt(np.maximum(luminance, 0.008856)) - 16
    steps = -np.diff(lightness)
    assert (steps > 0).all()
    assert steps.max() < 2 * steps.min()


@pytest.mark.parametrize("name", [name for name in FILM_COLOURMAPS if name != "jet"])
def test_colours_over_dark_films_get_lighter_with_the_value(name: str) -> None:
    shades = colours(np.linspace(0, 1, 50), name) @ np.array([0.2126, 0.7152, 0.0722])
    assert (np.diff(shades) > 0).all()


def test_an_unknown_colour_map_is_refused() -> None:
    with pytest.raises(ValueError, match="ember"):
        colours(np.zeros(1), "rainbow")
