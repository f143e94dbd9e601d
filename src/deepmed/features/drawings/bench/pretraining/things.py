"""Things that children draw, each in many ways, in the unit square of the current frame."""

import numpy as np

from deepmed.features.drawings.samples.face import draw_face, draw_hair
from deepmed.features.drawings.samples.geometry import Points, arc, as_points, box, wave
from deepmed.features.drawings.samples.house import draw_house
from deepmed.features.drawings.samples.person import draw_person
from deepmed.features.drawings.samples.sheet import Frame, Sheet
from deepmed.features.drawings.samples.surroundings import draw_behind, draw_beside

Point = tuple[float, float]
ROUND = 2 * np.pi


def scribble(sheet: Sheet) -> None:
    """Joy in moving the pen: walks of the hand that turn more or less often."""
    rng = sheet.rng
    for _ in range(int(rng.integers(1, 5))):
        steps = rng.normal(0.0, rng.uniform(0.05, 0.22), (int(rng.integers(6, 40)), 2))
        walk = rng.uniform(0.2, 0.8, 2) + np.cumsum(steps, axis=0)
        # Reflected at the edges: a child's arm turns there too.
        sheet.line(np.abs((walk + 1.0) % 2.0 - 1.0), sheet.palette.of("mark"))


def loops(sheet: Sheet) -> None:
    """Circles over circles, spirals, and rows of loops as in pretended writing."""
    rng = sheet.rng
    for _ in range(int(rng.integers(1, 4))):
        turns = float(rng.uniform(1.5, 7.0))
        angle = np.linspace(0.0, ROUND * turns, int(24 * turns))
        grown = np.linspace(rng.uniform(0.05, 1.0), 1.0, len(angle))[:, None]
        round_ = np.column_stack([np.cos(angle), np.sin(angle)]) * grown * rng.uniform(0.06, 0.3)
        drift = np.outer(np.linspace(0.0, 1.0, len(angle)), rng.normal(0.0, 0.25, 2))
        sheet.line(rng.uniform(0.3, 0.7, 2) + round_ + drift, sheet.palette.of("mark"))


def person(sheet: Sheet) -> None:
    frame = sheet.frame
    tall = sheet.vary(0.85, 0.1) * frame.height
    sheet.frame = Frame(
        frame.x + frame.width / 2, frame.y + 0.95 * frame.height, tall, tall, sheet.hand.tilt
    )
    draw_person(sheet)
    sheet.frame = frame


def house(sheet: Sheet) -> None:
    frame = sheet.frame
    wide = sheet.vary(0.6, 0.12)
    sheet.frame = Frame(
        frame.x + (1 - wide) / 2 * frame.width,
        frame.y + 0.95 * frame.height,
        wide * frame.width,
        sheet.vary(0.62, 0.12) * frame.height,
        sheet.hand.tilt,
    )
    draw_house(sheet)
    sheet.frame = frame


def scene(sheet: Sheet) -> None:
    """A figure in its world: sky, ground and what grows there; always over the whole page."""
    ground = None if sheet.chance(0.3) else 1.0 - float(sheet.rng.uniform(0.06, 0.25))
    middle = float(sheet.rng.uniform(0.3, 0.7))
    draw_behind(sheet, ground, middle)
    side = sheet.vary(0.5, 0.15)
    foot = ground or float(sheet.rng.uniform(0.7, 0.95))
    sheet.frame = Frame(middle - side / 2, foot - 0.95 * side, side, side)
    (person if sheet.chance(0.5) else house)(sheet)
    sheet.frame = Frame()
    draw_beside(sheet, ground, [(0.02, middle - side / 2), (middle + side / 2, 0.98)])


def sun(sheet: Sheet) -> None:
    centre, radius = (0.5, 0.5), sheet.vary(0.2, 0.2)
    colour = sheet.palette.of("sun")
    sheet.oval(centre, (radius, sheet.vary(radius, 0.1)), colour, colour, 0.3)
    for angle in np.linspace(0.0, ROUND, int(sheet.rng.integers(5, 18)), endpoint=False):
        ray = np.array([np.cos(angle), np.sin(angle)])
        ends = [centre + ray * radius * 1.15, centre + ray * (radius * 1.2 + sheet.vary(0.15, 0.3))]
        sheet.line(as_points([tuple(end) for end in ends]), colour)
    if sheet.chance(0.4):
        draw_face(sheet, centre, (radius, radius))


def face(sheet: Sheet) -> None:
    radii = (sheet.vary(0.36, 0.12), sheet.vary(0.4, 0.1))
    sheet.oval((0.5, 0.5), radii, sheet.palette.line("skin"), sheet.palette.of("skin"), 0.15)
    draw_face(sheet, (0.5, 0.5), radii)
    if sheet.chance(0.7):
        draw_hair(sheet, (0.5, 0.5), radii, long=sheet.chance(0.5))


def plant(sheet: Sheet) -> None:
    """A stem with leaves and a flower, or a trunk with a crown."""
    crown = (0.5 + float(sheet.rng.normal(0.0, 0.04)), sheet.vary(0.3, 0.2))
    if sheet.chance(0.5):
        sheet.line([(0.5, 0.97), crown], sheet.palette.of("stem"))
        for side in (-1, 1):
            if sheet.chance(0.6):
                at = (0.5 + side * 0.1, sheet.vary(0.7, 0.1))
                sheet.oval(at, (0.1, 0.04), sheet.palette.of("stem"))
        _petals(sheet, crown)
        return
    half = sheet.vary(0.06, 0.3)
    sheet.shape(
        box(0.5 - half, crown[1], 0.5 + half, 0.97),
        sheet.palette.of("trunk"),
        sheet.palette.of("trunk"),
    )
    sheet.oval(
        crown,
        (sheet.vary(0.28), sheet.vary(0.24)),
        sheet.palette.of("leaves"),
        sheet.palette.of("leaves"),
    )


def _petals(sheet: Sheet, centre: Point) -> None:
    radius, reach = sheet.vary(0.07, 0.2), sheet.vary(0.14, 0.2)
    colour = sheet.palette.of("flower")
    for angle in np.linspace(0.0, ROUND, int(sheet.rng.integers(4, 10)), endpoint=False):
        at = (centre[0] + reach * np.cos(angle), centre[1] + reach * np.sin(angle))
        sheet.oval(at, (reach / 2, reach / 2), colour, colour, 0.3)
    sheet.oval(centre, (radius, radius), sheet.palette.of("sun"))


def creature(sheet: Sheet) -> None:
    """A living thing of ovals and strokes: any number of legs, with or without wings and tail.

    Nothing in particular: its parts are drawn by chance, so that it is like many animals and
    tuned to none.
    """
    rng = sheet.rng
    body = (sheet.vary(0.24, 0.2), sheet.vary(0.15, 0.25))
    middle = (0.45, float(rng.uniform(0.45, 0.6)))
    colour = sheet.palette.line("shirt")
    for leg in np.linspace(-0.8, 0.8, int(rng.choice([0, 2, 2, 4, 4, 4, 6, 8]))):
        top = (middle[0] + leg * body[0], middle[1] + 0.8 * body[1])
        end = (top[0] + float(rng.normal(0.0, 0.03)), top[1] + sheet.vary(0.22, 0.2))
        sheet.line([top, end, (end[0] + 0.05, end[1])] if sheet.chance(0.4) else [top, end])
    sheet.oval(middle, body, colour, sheet.palette.of("shirt"))
    lift = float(rng.uniform(-0.3, 0.1))
    head = (middle[0] + body[0] + sheet.vary(0.08, 0.3), middle[1] + lift)
    _animal_head(sheet, head, sheet.vary(0.11, 0.2))
    if sheet.chance(0.75):
        start = (middle[0] - body[0], middle[1])
        end = (start[0] - sheet.vary(0.18, 0.3), start[1] + float(rng.normal(-0.1, 0.15)))
        sheet.line([start, end] if sheet.chance(0.6) else wave(start, end, 3, 0.05))
    if sheet.chance(0.35):
        reach = sheet.vary(0.25, 0.25)
        tip = (middle[0] - 0.1, middle[1] - reach)
        sheet.shape([(middle[0] - 0.1, middle[1]), tip, (middle[0] + 0.1, middle[1])], colour)


def _animal_head(sheet: Sheet, centre: Point, radius: float) -> None:
    x, y = centre
    sheet.oval(centre, (radius, sheet.vary(radius, 0.15)), sheet.palette.line("shirt"))
    sheet.dot((x + 0.3 * radius, y - 0.25 * radius), 0.012)
    for side in (-0.6, 0.3) if sheet.chance(0.6) else ():
        tip = (x + side * radius, y - radius - sheet.vary(0.08, 0.4))
        ear = [(x + (side - 0.3) * radius, y - 0.8 * radius), tip]
        sheet.line([*ear, (x + (side + 0.4) * radius, y - 0.8 * radius)])
    if sheet.chance(0.4):
        snout = x + radius + sheet.vary(0.1, 0.3)
        sheet.line([(x + radius, y - 0.03), (snout, y + 0.02), (x + radius, y + 0.06)])
    else:
        sheet.line(
            arc((x + 0.4 * radius, y + 0.3 * radius), (0.4 * radius, 0.2 * radius), 0, np.pi)
        )


def vehicle(sheet: Sheet) -> None:
    """Something that rolls or swims."""
    colour, fill = sheet.palette.line("roof"), sheet.palette.of("roof")
    left, right = 0.1, sheet.vary(0.88, 0.05)
    top, floor = sheet.vary(0.45, 0.1), sheet.vary(0.7, 0.05)
    if sheet.chance(0.35):
        hull = [(left, floor), (right, floor), (right - 0.15, 0.9), (left + 0.15, 0.9)]
        sheet.shape(hull, colour, fill)
        sheet.line([(0.5, floor), (0.5, 0.1)])
        sheet.shape([(0.53, 0.12), (0.53, 0.62), (sheet.vary(0.85, 0.08), 0.6)], None, fill)
        return
    sheet.shape(box(left, top, right, floor), colour, fill)
    if sheet.chance(0.6):
        sheet.shape(box(0.3, sheet.vary(0.25, 0.15), 0.7, top), colour)
    for x in np.linspace(left + 0.15, right - 0.15, int(sheet.rng.integers(2, 5))):
        radius = sheet.vary(0.08, 0.2)
        sheet.oval((float(x), floor + 0.5 * radius), (radius, radius), None, None)
        if sheet.chance(0.5):
            sheet.shape(box(float(x) - 0.06, top + 0.06, float(x) + 0.06, top + 0.16))


def shapes(sheet: Sheet) -> None:
    """Simple forms, one or several, apart or over each other."""
    for _ in range(int(sheet.rng.integers(1, 6))):
        corners = int(sheet.rng.choice([2, 3, 4, 4, 5, 6, 10, 30]))
        colour = sheet.palette.of("mark")
        outline = _polygon(corners, sheet.vary(0.17, 0.4), float(sheet.rng.uniform(0, ROUND)))
        outline += sheet.rng.uniform(0.2, 0.8, 2)
        if corners == 2:
            sheet.line(outline, colour)
        else:
            sheet.shape(outline, colour, colour, 0.3)


def _polygon(corners: int, radius: float, start: float) -> Points:
    angle = start + np.linspace(0.0, ROUND, corners, endpoint=False)
    # Ten corners are a star: every second one lies nearer to the middle.
    reach = np.where((np.arange(corners) % 2 == 1) & (corners == 10), 0.45, 1.0) * radius
    return np.column_stack([reach * np.cos(angle), reach * np.sin(angle)])


def signs(sheet: Sheet) -> None:
    """Rows of strokes and hooks, as of somebody who pretends to write."""
    rows, columns = int(sheet.rng.integers(1, 5)), int(sheet.rng.integers(2, 8))
    for row, column in np.ndindex(rows, columns):
        corner = np.array([0.06 + 0.9 * column / columns, 0.1 + 0.85 * row / rows])
        strokes = sheet.rng.uniform(0.0, 1.0, (int(sheet.rng.integers(2, 5)), 2))
        sheet.line(corner + strokes * (0.7 / columns, 0.6 / rows))
