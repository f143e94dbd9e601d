"""What stands around house and person: nothing at first, then a sun, a ground, a world."""

from collections.abc import Callable
from functools import partial

import numpy as np

from deepmed.features.drawings.samples.geometry import arc, as_points, box, wave
from deepmed.features.drawings.samples.sheet import Frame, Sheet


def draw_behind(sheet: Sheet, ground: float | None, middle: float) -> None:
    """Sky and ground, before the figure (around x = `middle`) stands before them."""
    sheet.frame = Frame()
    hand = sheet.hand
    # The sun shines where there is room; the youngest do not look for room.
    left = (middle > 0.5) if sheet.chance(0.6 + 0.4 * hand.grows(4.0, 7.0)) else sheet.chance(0.5)
    things: list[tuple[float, Callable[[Sheet], None]]] = [
        (0.15 + 0.5 * hand.grows(4.2, 6.0) - 0.1 * hand.grows(9, 12), partial(_sun, left=left)),
        (0.25 * hand.grows(5.0, 6.5), _sky_strip),
        (0.5 * hand.grows(6.0, 8.5), partial(_clouds, sun_left=left)),
        (0.35 * hand.grows(7.5, 9.5), _birds),
        (0.3 * hand.grows(8.5, 11.0), partial(_hills, ground=ground)),
    ]
    for probability, draw in things:
        if sheet.chance(probability):
            draw(sheet)
    if ground is not None:
        _ground(sheet, ground)


def draw_beside(sheet: Sheet, ground: float | None, free: list[tuple[float, float]]) -> None:
    """Trees, flowers and fences in the free spans of the ground; stray marks of the youngest."""
    sheet.frame = Frame()
    if ground is None:
        if sheet.chance(0.4 * (1.0 - sheet.hand.grows(4.2, 5.8))):
            for _ in range(int(sheet.rng.integers(1, 4))):
                _stray(sheet)
        return
    for left, right in free:
        if right - left > 0.13 and sheet.chance(0.75 * sheet.hand.grows(5.0, 8.0)):
            _plant(sheet, left, right, ground)


def _sun(sheet: Sheet, *, left: bool) -> None:
    sheet.part("sun")
    colour = sheet.palette.of("sun")
    radius = sheet.vary(0.085)
    if sheet.chance(0.5):
        corner = (0.0 if left else 1.0, 0.0)
        start = 0.0 if left else np.pi / 2
        sheet.line(arc(corner, (1.7 * radius, 1.7 * radius), start, start + np.pi / 2), colour)
        angles = start + np.linspace(0.15, 1.42, 5)
        inner = 2.0 * radius
    else:
        corner = (sheet.vary(0.15, 0.2) if left else 1 - sheet.vary(0.15, 0.2), sheet.vary(0.15))
        sheet.oval(corner, (radius, radius), colour, colour, 0.6)
        angles = np.linspace(0, 2 * np.pi, int(sheet.rng.integers(6, 13)), endpoint=False)
        inner = 1.25 * radius
    for angle in angles:
        ray = np.array([np.cos(angle), np.sin(angle)])
        sheet.line(
            [tuple(corner + inner * ray), tuple(corner + (inner + sheet.vary(0.06)) * ray)], colour
        )


def _sky_strip(sheet: Sheet) -> None:
    sheet.part("sky")
    left, right = np.array([0.02, 0.98]) + np.abs(sheet.rng.normal(0.0, 0.03, 2)) * (1, -1)
    sheet.colour_in(box(left, 0.01, right, sheet.vary(0.06)), sheet.palette.of("sky"))


def _clouds(sheet: Sheet, *, sun_left: bool) -> None:
    sheet.part("clouds")
    count = int(sheet.rng.integers(1, 4))
    for slot in range(count):
        away = 0.3 + 0.56 * (slot + float(sheet.rng.uniform(0.3, 0.7))) / count
        x, y = away if sun_left else 1.0 - away, float(sheet.rng.uniform(0.1, 0.21))
        half = min(sheet.vary(0.09, 0.2), 0.26 / count + 0.02)
        top = wave((x - half, y), (x + half, y), int(sheet.rng.integers(3, 5)), sheet.vary(0.042))
        low = wave((x + half, y), (x - half, y), 2, 0.012)
        sheet.shape(np.vstack([top, low]), sheet.palette.of("cloud"))


def _birds(sheet: Sheet) -> None:
    sheet.part("birds")
    for _ in range(int(sheet.rng.integers(1, 4))):
        x, y = float(sheet.rng.uniform(0.15, 0.85)), float(sheet.rng.uniform(0.06, 0.25))
        sheet.line(wave((x - 0.04, y), (x + 0.04, y), 2, 0.02))


def _hills(sheet: Sheet, *, ground: float | None) -> None:
    if ground is None:
        return
    sheet.part("hills")
    for x in sheet.rng.uniform(0.1, 0.9, 2):
        half = sheet.vary(0.25)
        start, end = (max(0.0, x - half), ground), (min(1.0, x + half), ground)
        sheet.line(wave(start, end, 1, sheet.vary(0.14)), sheet.palette.of("leaves"))


def _ground(sheet: Sheet, ground: float) -> None:
    sheet.part("ground")
    colour = sheet.palette.of("grass")
    left, right = np.array([0.01, 0.99]) + np.abs(sheet.rng.normal(0.0, 0.03, 2)) * (1, -1)
    if sheet.chance(0.35 + 0.25 * sheet.hand.grows(6, 8)):
        middle = (0.5, ground + float(sheet.rng.normal(0, 0.008)))
        sheet.line([(left, ground), middle, (right, ground)], colour)
    else:
        blades = int(sheet.rng.integers(14, 30))
        xs = np.linspace(left, right, 2 * blades)
        tips = ground - np.where(np.arange(2 * blades) % 2, sheet.vary(0.03), 0.0)
        sheet.line(as_points(np.column_stack([xs, tips])), colour)
    if sheet.chance(0.55 * sheet.hand.filling + 0.1) and ground < 0.96:
        sheet.part("meadow")
        depth = min(0.985, ground + sheet.vary(0.08))
        sheet.colour_in(box(left, ground + 0.015, right, depth), colour)


def _plant(sheet: Sheet, left: float, right: float, ground: float) -> None:
    middle, wide = (left + right) / 2, right - left
    style = sheet.rng.random()
    if style < 0.40:
        _tree(sheet, middle, min(wide, 0.3), ground)
    elif style < 0.82:
        for x in np.linspace(left + 0.05, right - 0.05, max(1, int(wide / 0.11))):
            _flower(sheet, float(x), ground)
    else:
        _fence(sheet, left + 0.02, right - 0.02, ground)


def _tree(sheet: Sheet, x: float, wide: float, ground: float) -> None:
    sheet.part("tree")
    tall, half = sheet.vary(0.2), sheet.vary(0.022)
    trunk, leaves = sheet.palette.of("trunk"), sheet.palette.of("leaves")
    sheet.shape(box(x - half, ground - tall, x + half, ground), trunk, trunk)
    radius = min(0.46 * wide, sheet.vary(0.12))
    centre = (x, ground - tall - 0.8 * radius)
    if sheet.chance(0.3):
        top = [
            (x - radius, ground - 0.7 * tall),
            (x, ground - tall - 2 * radius),
            (x + radius, ground - 0.7 * tall),
        ]
        sheet.shape(top, leaves, leaves)
        return
    if sheet.chance(sheet.hand.filling):
        sheet.colour_in(arc(centre, (radius, radius), 0, 2 * np.pi), leaves)
    bumps = arc(centre, (radius, radius), np.pi / 2, 5 * np.pi / 2)
    for start, end in zip(bumps[:-1:3], bumps[3::3], strict=False):
        sheet.line(wave(tuple(start), tuple(end), 1, 0.035), leaves)
    if sheet.chance(0.3):
        sheet.part("apples")
        for angle in sheet.rng.uniform(0, 2 * np.pi, 4):
            at = (x + 0.55 * radius * np.cos(angle), centre[1] + 0.55 * radius * np.sin(angle))
            sheet.dot(at, 0.014, sheet.palette.of("apple"))


def _flower(sheet: Sheet, x: float, ground: float) -> None:
    sheet.part("flowers")
    tall, size = sheet.vary(0.1, 0.25), sheet.vary(0.02)
    sheet.line(
        [(x, ground), (x + float(sheet.rng.normal(0, 0.008)), ground - tall)],
        sheet.palette.of("stem"),
    )
    colour = sheet.palette.of("flower")
    for angle in np.linspace(0, 2 * np.pi, 5, endpoint=False):
        sheet.oval(
            (x + size * np.cos(angle), ground - tall + size * np.sin(angle)),
            (0.6 * size, 0.6 * size),
            colour,
        )
    sheet.dot((x, ground - tall), 0.008, sheet.palette.of("sun"))


def _fence(sheet: Sheet, left: float, right: float, ground: float) -> None:
    sheet.part("fence")
    colour, tall = sheet.palette.of("fence"), sheet.vary(0.1)
    for x in np.arange(left, right, 0.04):
        sheet.line([(x, ground), (x, ground - tall)], colour)
    for share in (0.35, 0.75):
        sheet.line([(left, ground - share * tall), (right, ground - share * tall)], colour)


def _stray(sheet: Sheet) -> None:
    """A line, a loop or a few dots of joy in moving the pen."""
    sheet.part("marks")
    x, y = sheet.rng.uniform(0.1, 0.9, 2)
    if sheet.chance(0.5):
        sheet.oval((x, y), (sheet.vary(0.05), sheet.vary(0.05)), sheet.palette.of("mark"))
    else:
        end = sheet.rng.normal((x, y), 0.12).clip(0.03, 0.97)
        sheet.line([(x, y), tuple(end)], sheet.palette.of("mark"))
