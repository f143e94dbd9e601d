"""Houses: from a wobbly box with a face of windows to a cottage seen from its corner."""

import numpy as np

from deepmed.features.drawings.samples.geometry import arc, box, wave
from deepmed.features.drawings.samples.sheet import Sheet


def draw_house(sheet: Sheet) -> None:
    """A house in the current frame: ground at y = 0, walls from x = 0 to 1, y upwards negative."""
    stage = sheet.hand.level + float(sheet.rng.normal(0.0, 0.3))
    if stage < 4.6:
        _first_house(sheet)
        return
    wall = sheet.vary(0.62, 0.16)
    ridge = wall + sheet.vary(0.42, 0.2)
    deep = sheet.vary(0.6, 0.15) if sheet.chance(0.85 * sheet.hand.grows(7.6, 10.5)) else 0.0
    if sheet.chance(0.7):
        _chimney(sheet, wall, ridge, deep)
    if deep:
        _side(sheet, wall, ridge, deep)
    _front(sheet, wall, ridge, deep)
    _openings(sheet, wall, ridge)
    if sheet.chance(0.75 * sheet.hand.grows(5.5, 8.0)):
        _path(sheet)


def _first_house(sheet: Sheet) -> None:
    sheet.part("walls")
    wall = sheet.vary(0.75, 0.18)
    if sheet.chance(0.7):
        sheet.shape(box(0, -wall, 1, 0), None, sheet.palette.of("wall"), 0.15)
    else:
        sheet.oval((0.5, -wall / 2), (0.52, wall / 2), None, sheet.palette.of("wall"), 0.15)
    roofed = sheet.chance(0.55)
    if roofed:
        sheet.part("roof")
        lift = float(sheet.rng.normal(0.03, 0.05))
        peak = (sheet.vary(0.5), -wall - sheet.vary(0.38))
        sheet.line([(0.02, -wall - lift), peak, (0.98, -wall - lift)], sheet.palette.line("roof"))
    for _ in range(int(sheet.rng.integers(0 if roofed else 1, 4))):
        sheet.part("windows")
        at = (float(sheet.rng.uniform(0.2, 0.8)), -wall * float(sheet.rng.uniform(0.45, 0.85)))
        sheet.oval(at, (sheet.vary(0.1), sheet.vary(0.1)), sheet.palette.line("window"))
    if sheet.chance(0.6):
        sheet.part("door")
        x = float(sheet.rng.uniform(0.2, 0.6))
        door = [(x, 0.0), (x, -sheet.vary(0.35)), (x + 0.22, -0.36), (x + 0.22, 0.0)]
        sheet.line(door, sheet.palette.line("door"))


def _chimney(sheet: Sheet, wall: float, ridge: float, deep: float) -> None:
    """Small children set the chimney square to the slope of the roof, later it stands upright."""
    sheet.part("chimney")
    share = float(sheet.rng.uniform(0.35, 0.6))
    foot = np.array([1.0 - 0.5 * share, -wall - share * (ridge - wall)])
    slope = np.array([0.5, ridge - wall])
    up = np.array([ridge - wall, -0.5]) / np.hypot(*slope)
    if deep or sheet.chance(sheet.hand.grows(5.5, 8.0)):
        up = np.array([0.0, -1.0])
        foot += (0.0, 0.04)
    across = np.array([0.06, 0.06 * (ridge - wall) / 0.5])
    if up[0] == 0.0:
        across = np.array([0.07, 0.0])
    tall = sheet.vary(0.25)
    corners = np.array(
        [foot - across, foot - across + tall * up, foot + across + tall * up, foot + across]
    )
    sheet.shape(corners, sheet.palette.line("roof"), sheet.palette.of("roof"))
    if sheet.chance(0.6):
        sheet.part("smoke")
        start = foot + (tall + 0.04) * up
        for puff in range(int(sheet.rng.integers(1, 4))):
            low = start + np.array([0.06, -0.09]) * puff
            high = low + np.array([sheet.vary(0.16), -0.12])
            sheet.line(wave(tuple(low), tuple(high), 2, 0.06), sheet.palette.of("smoke"))


def _side(sheet: Sheet, wall: float, ridge: float, deep: float) -> None:
    """The long side of the house beside its gable, with parallels that begin to converge."""
    sheet.part("side wall")
    converge = 0.10 * sheet.hand.grows(8.5, 12.0)
    right = 1.0 + deep
    foot, eave = -converge * 0.8, -wall + converge * 0.5
    wall_corners = [(1.0, 0.0), (right, foot), (right, eave), (1.0, -wall)]
    sheet.shape(wall_corners, None, sheet.palette.of("wall"))
    for share in (0.28, 0.68)[: int(sheet.rng.integers(1, 3))]:
        x = 1.0 + share * deep
        low = -0.42 * wall
        _window(sheet, x, low - 0.16, 0.07 * deep / 0.5)
    sheet.part("side roof")
    back = [
        (0.5, -ridge),
        (0.5 + deep * 0.92, -ridge + converge * 0.6),
        (right + 0.06, eave),
        (1.03, -wall),
    ]
    sheet.shape(back, sheet.palette.line("roof"), sheet.palette.of("roof"))
    if sheet.chance(0.6):
        sheet.part("tiles")
        start, end = np.array(back[0]), np.array(back[3])
        across = np.array(back[1]) - start
        for share in np.linspace(0.2, 0.8, int(sheet.rng.integers(2, 5))):
            at = start + share * (end - start)
            sheet.line(
                wave(tuple(at), tuple(at + across * 0.98), 5, 0.02), sheet.palette.line("roof")
            )


def _front(sheet: Sheet, wall: float, ridge: float, deep: float) -> None:
    sheet.part("walls")
    sheet.part("roof")
    roof, fill = sheet.palette.line("roof"), sheet.palette.of("roof")
    if deep:
        gable = [(0, 0), (0, -wall), (0.5, -ridge), (1, -wall), (1, 0)]
        sheet.shape(gable, None, sheet.palette.of("wall"))
        sheet.line([(-0.05, -wall + 0.04), (0.5, -ridge), (1.03, -wall)], roof)
        return
    sheet.shape(box(0, -wall, 1, 0), None, sheet.palette.of("wall"), 0.4 * sheet.hand.filling)
    over = sheet.vary(0.08, 0.5) if sheet.chance(0.6) else 0.0
    sheet.shape([(-over, -wall), (0.5, -ridge), (1 + over, -wall)], roof, fill)
    if sheet.chance(0.5 * sheet.hand.grows(5.5, 8.0)):
        sheet.part("tiles")
        for share in np.linspace(0.2, 0.8, int(sheet.rng.integers(2, 5))):
            y, half = -wall - share * (ridge - wall), 0.5 * (1 - share)
            humps = max(2, int(9 * half))
            sheet.line(wave((0.5 - half, y), (0.5 + half, y), humps, 0.035), roof)


def _window(sheet: Sheet, x: float, y: float, half: float) -> None:
    sheet.part("windows")
    colour, fill = sheet.palette.line("window"), sheet.palette.of("window")
    sheet.shape(box(x - half, y - half, x + half, y + half), colour, fill)
    if sheet.chance(0.55 + 0.4 * sheet.hand.grows(5, 8)):
        sheet.part("panes")
        sheet.line([(x, y - half), (x, y + half)], colour)
        sheet.line([(x - half, y), (x + half, y)], colour)
    if sheet.chance(0.45 * sheet.hand.grows(6, 9)):
        sheet.part("curtains")
        for side in (-1, 1):
            sheet.line(
                [(x, y - half), (x + side * 0.7 * half, y), (x + side * half, y + half)], fill
            )


def _openings(sheet: Sheet, wall: float, ridge: float) -> None:
    """Door and windows of the front; the small child hangs windows into the upper corners."""
    sheet.part("door")
    middle = float(sheet.rng.normal(0.5, 0.1))
    half, high = sheet.vary(0.105), wall * sheet.vary(0.52, 0.12)
    colour, fill = sheet.palette.line("door"), sheet.palette.of("door")
    if sheet.chance(0.3):
        outline = np.vstack(
            [[(middle - half, 0)], arc((middle, -high + half), (half, half), np.pi, 2 * np.pi)]
        )
        sheet.shape(np.vstack([outline, [(middle + half, 0)]]), colour, fill)
    else:
        sheet.shape(box(middle - half, -high, middle + half, 0), colour, fill)
    if sheet.chance(0.3 + 0.6 * sheet.hand.grows(5, 8)):
        sheet.part("knob")
        sheet.dot((middle + 0.6 * half, -0.45 * high), 0.007)
    inset = sheet.vary(0.12 + 0.08 * sheet.hand.grows(5, 9), 0.15)
    size = sheet.vary(0.095)
    for x in (inset, 1.0 - inset)[: 2 if sheet.chance(0.85) else 1]:
        _window(sheet, x, -wall + max(size * 1.15, 0.2 * wall), size)
    if sheet.chance(0.5 * sheet.hand.grows(6, 9)):
        sheet.part("attic")
        sheet.oval(
            (0.5, -wall - 0.38 * (ridge - wall)), (0.075, 0.075), colour, sheet.palette.of("window")
        )


def _path(sheet: Sheet) -> None:
    """The way to the door widens towards the viewer."""
    sheet.part("path")
    colour = sheet.palette.line("path")
    bend = float(sheet.rng.normal(0.0, 0.1))
    for near, far in ((0.42, 0.28), (0.6, 0.82)):
        sheet.line([(near, 0.01), ((near + far) / 2 + bend, 0.09), (far + bend, 0.22)], colour)
