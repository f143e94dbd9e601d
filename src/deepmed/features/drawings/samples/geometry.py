"""Points of strokes before a hand makes them wobble; arrays of shape (n, 2), y downwards."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float64]


def as_points(points: Sequence[tuple[float, float]] | Points) -> Points:
    return np.asarray(points, dtype=np.float64).reshape(-1, 2)


def resample(points: Points, spacing: float) -> Points:
    """Points along the polyline about `spacing` apart, its ends included."""
    steps = np.hypot(*np.diff(points, axis=0).T)
    along = np.concatenate([[0.0], np.cumsum(steps)])
    count = max(2, int(along[-1] / spacing) + 1)
    where = np.linspace(0.0, along[-1], count)
    return np.column_stack([np.interp(where, along, column) for column in points.T])


def smooth(points: Points, width: int) -> Points:
    """Corners rounded over `width` points, ends kept."""
    if width < 2 or len(points) <= 2 * width:
        return points
    kernel = np.full(width, 1.0 / width)
    padded = np.pad(points, ((width // 2, width - 1 - width // 2), (0, 0)), mode="edge")
    return np.column_stack([np.convolve(column, kernel, mode="valid") for column in padded.T])


def arc(
    centre: tuple[float, float], radii: tuple[float, float], start: float, end: float
) -> Points:
    """Part of an ellipse between two angles (radians, clockwise on the page)."""
    angles = np.linspace(start, end, max(5, int(abs(end - start) * 4) + 2))
    return np.column_stack(
        [centre[0] + radii[0] * np.cos(angles), centre[1] + radii[1] * np.sin(angles)]
    )


def box(left: float, top: float, right: float, bottom: float) -> Points:
    return as_points([(left, top), (right, top), (right, bottom), (left, bottom)])


def wave(start: tuple[float, float], end: tuple[float, float], humps: int, height: float) -> Points:
    """A row of humps from `start` to `end`: clouds, curls, tops of trees, blades of grass."""
    share = np.linspace(0.0, 1.0, humps * 6 + 1)
    line = np.outer(1 - share, start) + np.outer(share, end)
    direction = np.subtract(end, start)
    normal = np.array([direction[1], -direction[0]]) / max(float(np.hypot(*direction)), 1e-9)
    return np.asarray(line + np.outer(np.abs(np.sin(share * np.pi * humps)) * height, normal))


def hatching(outline: Points, angle: float, spacing: float) -> Points:
    """A zigzag that fills a convex outline with lines at `angle`."""
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    start = outline @ turn
    end = np.roll(start, -1, axis=0)
    low, high = start[:, 1].min(), start[:, 1].max()
    rows = np.arange(low + spacing / 2, high, spacing)[:, None]
    if len(rows) == 0:
        return np.empty((0, 2))
    rise = end[:, 1] - start[:, 1]
    share = (rows - start[:, 1]) / np.where(np.abs(rise) < 1e-9, np.inf, rise)
    crossed = (share >= 0) & (share <= 1) & (np.abs(rise) >= 1e-9)
    across = start[:, 0] + share * (end[:, 0] - start[:, 0])
    left = np.where(crossed, across, np.inf).min(axis=1)
    right = np.where(crossed, across, -np.inf).max(axis=1)
    flip = np.arange(len(rows)) % 2 == 0
    columns = np.column_stack([np.where(flip, left, right), np.where(flip, right, left)])
    zigzag = np.column_stack([columns.ravel(), np.repeat(rows[:, 0], 2)])
    return np.asarray(zigzag[np.isfinite(zigzag).all(axis=1)] @ turn.T)
