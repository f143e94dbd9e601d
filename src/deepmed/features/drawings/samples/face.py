"""Faces and hair: from two dots and a line to brows, ears and combed strands."""

from itertools import pairwise

import numpy as np

from deepmed.features.drawings.samples.geometry import arc, wave
from deepmed.features.drawings.samples.sheet import Sheet

Centre = tuple[float, float]
Radii = tuple[float, float]


def draw_face(sheet: Sheet, centre: Centre, radii: Radii) -> None:
    """What lies inside the outline of a head."""
    _eyes(sheet, centre, radii)
    if sheet.chance(0.72 + 0.28 * sheet.hand.grows(3.5, 6.0)):
        _mouth(sheet, centre, radii)
    if sheet.chance(0.2 + 0.6 * sheet.hand.grows(4.5, 9.0)):
        _nose(sheet, centre, radii)
    if sheet.chance(0.4 * sheet.hand.grows(5.0, 8.0)):
        _cheeks(sheet, centre, radii)


def _eyes(sheet: Sheet, centre: Centre, radii: Radii) -> None:
    sheet.part("eyes")
    apart = sheet.vary(0.38, 0.12) * radii[0]
    height = centre[1] - sheet.vary(0.18, 0.3) * radii[1]
    size = sheet.vary(0.15) * radii[0]
    dots = sheet.chance(0.45)
    pupils = not dots and sheet.chance(0.3 + 0.6 * sheet.hand.grows(4.0, 8.0))
    brows = sheet.chance(0.75 * sheet.hand.grows(7.0, 10.5))
    for side in (-1, 1):
        at = (centre[0] + side * apart, height + float(sheet.rng.normal(0, 0.05)) * sheet.hand.gap)
        if dots:
            sheet.dot(at, 0.011)
            continue
        sheet.oval(at, (size * 1.15, size), filling=0.0)
        if pupils:
            sheet.dot(at, 0.006)
        if brows:
            sheet.line(arc((at[0], at[1] - size), (size * 1.4, size * 0.9), -2.5, -0.7))
    if brows:
        sheet.part("brows")


def _mouth(sheet: Sheet, centre: Centre, radii: Radii) -> None:
    sheet.part("mouth")
    colour = sheet.palette.line("mouth")
    middle = (centre[0], centre[1] + 0.12 * radii[1])
    wide, deep = sheet.vary(0.5) * radii[0], sheet.vary(0.42) * radii[1]
    if sheet.chance(0.12):
        sheet.line(
            [(centre[0] - wide, centre[1] + deep), (centre[0] + wide, centre[1] + deep)], colour
        )
    elif sheet.chance(0.15 + 0.15 * sheet.hand.grows(6, 10)):
        lips = arc(middle, (wide, deep), 0.2, np.pi - 0.2)
        sheet.shape(lips, colour, sheet.palette.of("mouth"), 0.3)
    else:
        sheet.line(arc(middle, (wide, deep), 0.25, np.pi - 0.25), colour)


def _nose(sheet: Sheet, centre: Centre, radii: Radii) -> None:
    sheet.part("nose")
    size = 0.14 * radii[0]
    x, y = centre[0], centre[1] + 0.05 * radii[1]
    style = int(sheet.rng.integers(0, 3))
    if style == 0:
        sheet.dot((x, y), 0.008)
    elif style == 1:
        sheet.line([(x, y - 1.4 * size), (x + size, y + size), (x - 0.3 * size, y + size)])
    else:
        sheet.line(arc((x, y), (size, size), 0.0, np.pi))


def _cheeks(sheet: Sheet, centre: Centre, radii: Radii) -> None:
    sheet.part("cheeks")
    for side in (-1, 1):
        at = (centre[0] + side * 0.62 * radii[0], centre[1] + 0.25 * radii[1])
        sheet.oval(at, (0.13 * radii[0], 0.13 * radii[1]), sheet.palette.of("mouth"), filling=0.0)


def draw_hair(sheet: Sheet, centre: Centre, radii: Radii, *, long: bool) -> None:
    """Hair on a head that is already there."""
    sheet.part("hair")
    colour = sheet.palette.of("hair")
    if sheet.chance(1.0 - sheet.hand.grows(4.0, 7.0)):
        _spikes(sheet, centre, radii)
    elif long:
        _long(sheet, centre, radii)
    else:
        outer = arc(centre, (radii[0] * 1.06, radii[1] * 1.1), -np.pi - 0.1, 0.1)
        inner = arc(centre, (radii[0] * 0.95, radii[1] * 0.62), 0.0, -np.pi)
        for start, end in pairwise(outer):
            near = inner[np.argmin(np.hypot(*(inner - (start + end) / 2).T))]
            sheet.line([tuple(start), tuple(near)], colour)
        sheet.line(outer, colour)


def _spikes(sheet: Sheet, centre: Centre, radii: Radii) -> None:
    """Single hairs that stand off the head, or one curl of scribble upon it."""
    colour = sheet.palette.of("hair")
    if sheet.chance(0.35):
        start = (centre[0] - 0.8 * radii[0], centre[1] - 0.75 * radii[1])
        end = (centre[0] + 0.8 * radii[0], centre[1] - 0.75 * radii[1])
        sheet.line(wave(start, end, int(sheet.rng.integers(4, 8)), 0.45 * radii[1]), colour)
        return
    for angle in np.linspace(-2.7, -0.45, int(sheet.rng.integers(4, 11))):
        way = np.array([np.cos(angle), np.sin(angle)]) * radii
        length = sheet.vary(0.4, 0.3)
        sheet.line([tuple(centre + way), tuple(centre + way * (1 + length))], colour)


def _long(sheet: Sheet, centre: Centre, radii: Radii) -> None:
    colour = sheet.palette.of("hair")
    x, y = centre
    sheet.line(arc(centre, (radii[0] * 1.05, radii[1] * 1.08), -np.pi, 0.0), colour)
    fall = sheet.vary(1.7)
    strands = int(3 + 3 * sheet.hand.grows(5, 10))
    for side in (-1, 1):
        for strand in range(strands):
            top = (
                x + side * radii[0] * (1.02 - 0.04 * strand),
                y - radii[1] * (0.2 + 0.14 * strand),
            )
            low = (x + side * radii[0] * (1.05 + 0.16 * strand), y + radii[1] * fall)
            sheet.line([top, (low[0], y), low], colour)
