"""People: first a head that walks, then a trunk with limbs (the dressed ones are in `dressed`)."""

import numpy as np

from deepmed.features.drawings.samples.dressed import draw_dressed
from deepmed.features.drawings.samples.face import draw_face, draw_hair
from deepmed.features.drawings.samples.geometry import box
from deepmed.features.drawings.samples.sheet import Sheet

Point = tuple[float, float]


def draw_person(sheet: Sheet) -> None:
    """A person in the current frame: feet at y = 0, crown at y = -1, middle at x = 0."""
    stage = sheet.hand.level + float(sheet.rng.normal(0.0, 0.3))
    if stage < 4.6:
        _tadpole(sheet)
    elif stage < 6.9:
        _with_trunk(sheet)
    else:
        draw_dressed(sheet)


def fingers(sheet: Sheet, hand: Point, direction: float, length: float) -> None:
    """Rays from the end of an arm; their number is right only later."""
    sheet.part("fingers")
    count = 5 if sheet.chance(0.2 + 0.6 * sheet.hand.grows(5, 9)) else int(sheet.rng.integers(3, 8))
    for angle in direction + np.linspace(-0.8, 0.8, count):
        reach = sheet.vary(length, 0.2)
        sheet.line([hand, (hand[0] + reach * np.cos(angle), hand[1] + reach * np.sin(angle))])


def _head(sheet: Sheet, centre: Point, radii: Point, hair: float) -> None:
    sheet.part("head")
    sheet.oval(centre, radii, sheet.palette.line("skin"), sheet.palette.of("skin"), 0.12)
    draw_face(sheet, centre, radii)
    if sheet.chance(hair):
        draw_hair(sheet, centre, radii, long=sheet.chance(0.4))


def _tadpole(sheet: Sheet) -> None:
    radius = float(np.clip(sheet.vary(0.29, 0.14), 0.2, 0.36))
    wide = sheet.vary(radius, 0.12)
    centre = (0.0, radius - 1.0)
    _head(sheet, centre, (wide, radius), 0.4)
    _thin_legs(sheet, 2 * radius - 1.0, sheet.vary(0.45) * wide, 0.45)
    if sheet.chance(0.55):
        _thin_arms(sheet, (wide, centre[1] + 0.15 * radius), sheet.vary(0.26), 0.2)
    if sheet.chance(0.15):
        sheet.part("navel")
        sheet.dot((0.0, -0.3), 0.012)


def _thin_legs(sheet: Sheet, top: float, apart: float, feet: float) -> None:
    sheet.part("legs")
    shoes = sheet.chance(feet)
    spread = sheet.vary(1.15)
    for side in (-1, 1):
        foot = (side * apart * spread, float(sheet.rng.normal(0.0, 0.06)) * sheet.hand.gap)
        sheet.line([(side * apart, top), foot], sheet.palette.line("trousers"))
        if shoes:
            size = sheet.vary(0.055)
            sheet.oval(
                (foot[0] + side * size * 0.8, foot[1] - size * 0.3),
                (size, size * 0.55),
                sheet.palette.line("shoes"),
                sheet.palette.of("shoes"),
            )
    if shoes:
        sheet.part("feet")


def _thin_arms(sheet: Sheet, shoulder: Point, length: float, finger: float) -> None:
    sheet.part("arms")
    lift = float(sheet.rng.normal(0.15, 0.35))
    shown = sheet.chance(finger)
    for side in (-1, 1):
        start = (side * shoulder[0], shoulder[1])
        hand = (start[0] + side * length * np.cos(lift), start[1] + length * np.sin(lift))
        sheet.line([start, hand], sheet.palette.line("skin"))
        if shown:
            fingers(sheet, hand, lift if side > 0 else np.pi - lift, 0.06)


def _trunk(sheet: Sheet, top: float, bottom: float, half: float) -> float:
    """A trunk of one simple shape; returns half its width at the shoulders."""
    sheet.part("trunk")
    style = sheet.rng.choice(["oval", "dress", "box"])
    thing = "dress" if style == "dress" else "shirt"
    colour, fill = sheet.palette.line(thing), sheet.palette.of(thing)
    if style == "oval":
        sheet.oval((0.0, (top + bottom) / 2), (half, (bottom - top) / 2), colour, fill)
        return half * 0.8
    if style == "dress":
        corners = [
            (-0.25 * half, top),
            (0.25 * half, top),
            (1.35 * half, bottom),
            (-1.35 * half, bottom),
        ]
        sheet.shape(corners, colour, fill)
        return half * 0.42
    sheet.shape(box(-half, top, half, bottom), colour, fill)
    return half


def _with_trunk(sheet: Sheet) -> None:
    radius = float(np.clip(sheet.vary(0.175, 0.13), 0.12, 0.23))
    top, bottom = 2 * radius - 1.0, -sheet.vary(0.3, 0.15)
    half = sheet.vary(0.13, 0.2)
    shoulder = _trunk(sheet, top, bottom, half)
    arms_at = top + 0.22 * (bottom - top)
    _thin_arms(sheet, (shoulder, arms_at), sheet.vary(0.23), 0.35 + 0.4 * sheet.hand.grows(4, 6))
    _thin_legs(sheet, bottom, half * 0.55, 0.8)
    _head(sheet, (0.0, radius - 1.0), (sheet.vary(radius, 0.08), radius), 0.8)
    if sheet.chance(0.4):
        sheet.part("buttons")
        for share in np.linspace(0.25, 0.75, int(sheet.rng.integers(2, 5))):
            sheet.dot((0.0, top + share * (bottom - top)), 0.009)
