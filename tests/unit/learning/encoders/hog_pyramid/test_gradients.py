"""Oriented cells against a reference that bins pixel by pixel."""

import math

import numpy as np
import pytest
import torch

from deepmed.learning.encoders.hog_pyramid import layout
from deepmed.learning.encoders.hog_pyramid.gradients import (
    oriented_cells,
    smooth_root,
    unit_length,
    windows,
)


def reference_cells(ink: np.ndarray) -> np.ndarray:
    """One image, one pixel after the other, from the definition."""
    cells = np.zeros((8, 14, 14))
    padded = np.pad(ink, 1, mode="edge")
    for y, x in np.ndindex(224, 224):
        dx = (padded[y + 1, x + 2] - padded[y + 1, x]) / 2
        dy = (padded[y + 2, x + 1] - padded[y, x + 1]) / 2
        magnitude = math.sqrt(dx * dx + dy * dy + 1e-6) - 1e-3
        place = math.degrees(math.atan2(dy, dx)) % 180 / 22.5
        lower = math.floor(place)
        cells[lower % 8, y // 16, x // 16] += magnitude * (1 - place + lower)
        cells[(lower + 1) % 8, y // 16, x // 16] += magnitude * (place - lower)
    return cells / 256


@pytest.mark.req("D-5.1")
def test_cells_equal_a_reference_that_counts_pixel_by_pixel() -> None:
    generator = np.random.default_rng(1)
    ink = np.zeros((224, 224))
    ink[40:180, 30:200] = generator.random((140, 170))
    cells = oriented_cells(torch.from_numpy(ink)[None, None])[0].numpy()
    assert np.allclose(cells, reference_cells(ink), atol=1e-9)


@pytest.mark.req("D-5.1")
@pytest.mark.parametrize("degrees", [0, 22.5, 45, 90, 112.5, 157.5])
def test_each_orientation_falls_into_its_plane(degrees: float) -> None:
    y, x = torch.meshgrid(torch.arange(224.0), torch.arange(224.0), indexing="ij")
    angle = math.radians(degrees)
    ink = ((x * math.cos(angle) + y * math.sin(angle)) / 500)[None, None]
    strength = oriented_cells(ink)[0, :, 4:10, 4:10].mean(dim=(1, 2))
    assert int(strength.argmax()) == round(degrees / 22.5)
    assert float(strength.max() / strength.sum()) > 0.99


def test_dark_on_light_and_light_on_dark_are_the_same_line() -> None:
    ink = torch.rand(1, 1, 224, 224, dtype=torch.float64)
    assert torch.allclose(oriented_cells(ink), oriented_cells(1 - ink), atol=1e-12)


@pytest.mark.req("D-5.1")
def test_a_flat_page_has_no_lines_and_a_finite_gradient() -> None:
    ink = torch.zeros(1, 1, 224, 224, requires_grad=True)
    cells = oriented_cells(ink)
    smooth_root(cells).sum().backward()
    assert cells.abs().max() == 0
    assert ink.grad is not None
    assert ink.grad.abs().max() == 0


@pytest.mark.parametrize("setting", [layout.SHAPE_WINDOWS, layout.ENERGY_WINDOWS])
def test_windows_are_means_and_cover_the_grid(setting: dict[str, int]) -> None:
    cells = torch.rand(2, 8, 14, 14)
    result = windows(cells, **setting)
    size, step = setting["size"], setting["step"]
    for row, column in np.ndindex(setting["count"], setting["count"]):
        part = cells[:, :, row * step : row * step + size, column * step : column * step + size]
        assert torch.allclose(result[:, :, row, column], part.mean(dim=(2, 3)), atol=1e-6)
    assert size + step * (setting["count"] - 1) == 14


def test_windows_that_leave_patches_out_are_refused() -> None:
    with pytest.raises(ValueError, match="do not cover"):
        windows(torch.ones(1, 8, 14, 14), size=4, step=4, count=3)


def test_roots_and_norms_are_right_where_there_is_something() -> None:
    values = torch.tensor([[0.3, 0.4], [3.0, 4.0]])
    assert torch.allclose(smooth_root(values), values.sqrt(), rtol=1e-3)
    assert torch.allclose(unit_length(values), torch.tensor([[0.6, 0.8]] * 2), rtol=1e-3)
