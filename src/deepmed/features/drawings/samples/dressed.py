"""Dressed people of the school years: limbs with two sides, clothes, and a body in proportion."""

from dataclasses import dataclass

import numpy as np

from deepmed.features.drawings.samples.face import draw_face, draw_hair
from deepmed.features.drawings.samples.geometry import arc, as_points, box
from deepmed.features.drawings.samples.palette import Colour
from deepmed.features.drawings.samples.sheet import Sheet

Point = tuple[float, float]


@dataclass(frozen=True)
class Build:
    """The measures of one figure in its own height."""

    head: Point
    neck: float
    shoulder: float
    waist: float
    hip: float
    limb: float
    girl: bool

    @property
    def top(self) -> float:
        return 2 * self.head[1] - 1.0 + self.neck


def _build(sheet: Sheet) -> Build:
    grown = sheet.hand.grows(7.0, 11.5)
    tall = sheet.vary(0.155 - 0.045 * grown, 0.09)
    return Build(
        head=(sheet.vary(tall * (1.0 - 0.12 * grown), 0.07), tall),
        neck=sheet.vary(0.035, 0.3) if sheet.chance(0.3 + 0.7 * grown) else 0.0,
        shoulder=sheet.vary(0.115 + 0.02 * grown, 0.12),
        waist=sheet.vary(0.105, 0.14),
        hip=-sheet.vary(0.40 + 0.05 * grown, 0.06),
        limb=sheet.vary(0.034 + 0.004 * grown, 0.12),
        girl=sheet.chance(0.5),
    )


def draw_dressed(sheet: Sheet) -> None:
    """A dressed person in the current frame: feet at y = 0, crown at y = -1."""
    build = _build(sheet)
    _legs(sheet, build)
    _arms(sheet, build)
    _clothes(sheet, build)
    _neck_and_head(sheet, build)


def _limb(
    sheet: Sheet, way: list[Point], half: float, colour: Colour, fill: Colour, *, filling: float
) -> None:
    """A limb with two sides along a way of two or three points."""
    line = as_points(way)
    along = np.gradient(line, axis=0)
    normal = np.column_stack([-along[:, 1], along[:, 0]]) / np.hypot(*along.T)[:, None]
    narrowing = np.linspace(1.0, 0.8, len(line))[:, None]
    left, right = line + half * narrowing * normal, line - half * narrowing * normal
    sheet.shape(np.vstack([left, right[::-1]]), colour, fill, filling)


def _both_or_none(sheet: Sheet) -> float:
    """Who colours one sleeve nearly always colours the other."""
    if sheet.chance(0.06):
        return 0.5
    return 1.0 if sheet.chance(sheet.hand.filling) else 0.0


def _legs(sheet: Sheet, build: Build) -> None:
    sheet.part("legs")
    thing = "skin" if build.girl else "trousers"
    colour, fill = sheet.palette.line(thing), sheet.palette.of(thing)
    apart = sheet.vary(0.55) * build.waist
    stride = sheet.vary(1.2)
    filling = _both_or_none(sheet)
    half, top = build.limb * (0.8 if build.girl else 1.25), build.hip - 0.02
    for side in (-1, 1):
        foot = (side * apart * stride, -0.035)
        way = [(side * apart, top), foot]
        _limb(sheet, way, half, colour, fill, filling=filling)
        _shoe(sheet, foot, side, build.limb)
    sheet.part("shoes")


def _shoe(sheet: Sheet, foot: Point, side: int, limb: float) -> None:
    size = limb * sheet.vary(1.6, 0.1)
    outline = arc((foot[0] + side * size * 0.45, 0.0), (size, size * 0.95), np.pi, 2 * np.pi)
    sheet.shape(outline, sheet.palette.line("shoes"), sheet.palette.of("shoes"))
    if sheet.chance(0.5 * sheet.hand.grows(8, 11)):
        sheet.line([(foot[0], -0.02), (foot[0] + side * size * 0.7, -0.03)])


def _arms(sheet: Sheet, build: Build) -> None:
    sheet.part("arms")
    bends = sheet.chance(0.75 * sheet.hand.grows(7.5, 10.5))
    lifts = sheet.rng.normal(1.05 if sheet.chance(0.75) else -0.5, 0.2, 2)
    reach, filling = sheet.vary(0.15, 0.08), _both_or_none(sheet)
    for side, lift in zip((-1, 1), lifts, strict=True):
        start = (side * build.shoulder * 0.86, build.top + 0.035)
        elbow = (start[0] + side * reach * np.cos(lift), start[1] + reach * np.sin(lift))
        turn = lift + (float(sheet.rng.normal(0.0, 0.55)) if bends else 0.0)
        hand = (elbow[0] + side * reach * np.cos(turn), elbow[1] + reach * np.sin(turn))
        colour, fill = sheet.palette.line("shirt"), sheet.palette.of("shirt")
        _limb(sheet, [start, elbow, hand], build.limb, colour, fill, filling=filling)
        _hand(sheet, hand, turn if side > 0 else np.pi - turn, build.limb)
    sheet.part("hands")
    if bends:
        sheet.part("elbows")


def _hand(sheet: Sheet, at: Point, direction: float, limb: float) -> None:
    centre = (at[0] + limb * np.cos(direction), at[1] + limb * np.sin(direction))
    sheet.oval(centre, (limb * 0.95, limb * 0.95), sheet.palette.line("skin"), filling=0.0)
    if not sheet.chance(0.75):
        return
    sheet.part("fingers")
    for angle in direction + np.linspace(-0.9, 0.9, 5):
        ray = np.array([np.cos(angle), np.sin(angle)])
        sheet.line([tuple(centre + ray * limb), tuple(centre + ray * limb * sheet.vary(2.0, 0.1))])


def _clothes(sheet: Sheet, build: Build) -> None:
    sheet.part("trunk")
    shirt = [
        (-build.shoulder, build.top + 0.02),
        (-0.3 * build.shoulder, build.top),
        (0.3 * build.shoulder, build.top),
        (build.shoulder, build.top + 0.02),
        (build.waist, build.hip),
        (-build.waist, build.hip),
    ]
    sheet.shape(shirt, sheet.palette.line("shirt"), sheet.palette.of("shirt"))
    if build.girl:
        _skirt(sheet, build)
    elif sheet.chance(0.3 + 0.4 * sheet.hand.grows(7, 11)):
        sheet.part("belt")
        sheet.shape(box(-build.waist, build.hip - 0.03, build.waist, build.hip))
    _pattern(sheet, build)


def _skirt(sheet: Sheet, build: Build) -> None:
    sheet.part("skirt")
    hem = build.hip + sheet.vary(0.19)
    flare = build.waist * sheet.vary(1.7, 0.1)
    corners = [
        (-build.waist, build.hip - 0.03),
        (build.waist, build.hip - 0.03),
        (flare, hem),
        (-flare, hem),
    ]
    sheet.shape(corners, sheet.palette.line("dress"), sheet.palette.of("dress"))
    if sheet.chance(0.5 * sheet.hand.grows(7, 10)):
        sheet.part("folds")
        for share in np.linspace(-0.6, 0.6, 4):
            sheet.line([(share * build.waist, build.hip), (share * flare, hem - 0.01)])


def _pattern(sheet: Sheet, build: Build) -> None:
    """What the shirt shows: stripes, buttons, a heart or a number."""
    style = sheet.rng.choice(["stripes", "buttons", "badge", "pocket", "plain"])
    if style == "plain":
        return
    sheet.part(str(style))
    middle = (build.top + build.hip) / 2
    if style == "stripes":
        for share in np.linspace(0.25, 0.85, int(sheet.rng.integers(2, 5))):
            y = build.top + share * (build.hip - build.top)
            sheet.line([(-build.waist, y), (build.waist, y)], sheet.palette.of("dress"))
    elif style == "buttons":
        sheet.line([(0.0, build.top), (0.0, build.hip)])
        for share in np.linspace(0.2, 0.8, int(sheet.rng.integers(3, 5))):
            sheet.dot((0.02, build.top + share * (build.hip - build.top)), 0.005)
    elif style == "badge":
        sheet.oval(
            (0.0, middle), (0.045, 0.045), sheet.palette.of("flower"), sheet.palette.of("flower")
        )
    else:
        sheet.shape(box(0.02, middle - 0.02, 0.07, middle + 0.03))


def _neck_and_head(sheet: Sheet, build: Build) -> None:
    base = 2 * build.head[1] - 1.0
    if build.neck:
        sheet.part("neck")
        for side in (-1, 1):
            sheet.line(
                [
                    (side * 0.28 * build.head[0], base - 0.01),
                    (side * 0.3 * build.head[0], build.top),
                ]
            )
    sheet.part("head")
    centre = (0.0, build.head[1] - 1.0)
    if sheet.chance(0.65 * sheet.hand.grows(7, 10)):
        sheet.part("ears")
        for side in (-1, 1):
            sheet.oval((side * build.head[0], centre[1]), (0.018, 0.028), filling=0.0)
    sheet.oval(centre, build.head, sheet.palette.line("skin"), sheet.palette.of("skin"), 0.2)
    draw_face(sheet, centre, build.head)
    if sheet.chance(0.95):
        draw_hair(sheet, centre, build.head, long=build.girl)
    if sheet.chance(0.4 * sheet.hand.grows(7, 10)):
        sheet.part("collar")
        sheet.line([(-0.04, build.top), (0.0, build.top + 0.03), (0.04, build.top)])
