"""A sheet of paper and the strokes that one hand puts on it."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from scipy import ndimage

from deepmed.features.drawings.samples.geometry import (
    Points,
    arc,
    as_points,
    hatching,
    resample,
    smooth,
)
from deepmed.features.drawings.samples.hand import Hand
from deepmed.features.drawings.samples.palette import Colour, Palette
from deepmed.kit.seeds import generator

SIZE = 224
_OVERSAMPLING = 3
_SPACING = 0.014
_NOISE_LENGTH = 2048

Outline = Sequence[tuple[float, float]] | Points


@cache
def _paper_grain() -> NDArray[np.float32]:
    """The tooth of the paper: 0 in its hollows, which dry colour leaves white, to 1."""
    noise = generator(0, "samples", "paper grain").random((SIZE, SIZE))
    soft = ndimage.gaussian_filter(noise, 0.8, mode="wrap")
    tooth = np.clip((soft - soft.mean()) / (3.2 * soft.std()) + 0.5, 0.0, 1.0)
    return np.asarray(tooth, dtype=np.float32)


@dataclass(frozen=True)
class Frame:
    """Where a thing stands: its own coordinates (about 0 to 1, y downwards) on the page."""

    x: float = 0.0
    y: float = 0.0
    width: float = 1.0
    height: float = 1.0
    angle: float = 0.0

    def place(self, points: Points) -> Points:
        scaled = points * (self.width, self.height)
        cos, sin = np.cos(self.angle), np.sin(self.angle)
        return np.asarray(scaled @ np.array([[cos, sin], [-sin, cos]]) + (self.x, self.y))


class Sheet:
    """Strokes in the coordinates of the current frame; the page is the unit square."""

    def __init__(self, hand: Hand, rng: np.random.Generator) -> None:
        self.hand = hand
        self.rng = rng
        self.palette = Palette(hand, rng)
        self.frame = Frame()
        self.strokes = 0
        self.parts: list[str] = []
        self._side = SIZE * _OVERSAMPLING
        self._image = Image.new("RGB", (self._side, self._side), "white")
        self._pen = ImageDraw.Draw(self._image)
        self._noise = self._hand_noise()

    def _hand_noise(self) -> Points:
        raw = self.rng.normal(size=(_NOISE_LENGTH, 2))
        slow = ndimage.gaussian_filter1d(raw, 5.0, axis=0, mode="wrap")
        fast = ndimage.gaussian_filter1d(raw, 0.8, axis=0, mode="wrap")
        return np.asarray(
            self.hand.wobble * slow / slow.std() + self.hand.tremor * fast / fast.std()
        )

    def chance(self, probability: float) -> bool:
        return bool(self.rng.random() < probability)

    def vary(self, value: float, share: float = 0.15) -> float:
        """The value as this child happens to draw it this time."""
        return float(value * np.exp(self.rng.normal(0.0, share)))

    def part(self, name: str) -> None:
        self.parts.append(name)

    def line(self, points: Outline, colour: Colour | None = None, width: float = 1.0) -> None:
        """One stroke of the hand along the points."""
        self._stroke(self.frame.place(as_points(points)), colour or self.palette.outline, width)

    def _stroke(
        self, points: Points, colour: Colour, width: float, *, rounded: bool = True
    ) -> None:
        path = resample(points, _SPACING)
        if rounded:
            path = smooth(path, self.hand.rounding)
        start = int(self.rng.integers(0, _NOISE_LENGTH - 1))
        path = path + np.take(self._noise, np.arange(start, start + len(path)), axis=0, mode="wrap")
        self._ink(path, colour, width)

    def _ink(self, path: Points, colour: Colour, width: float) -> None:
        self.strokes += 1
        pixels = path * self._side
        pen = max(2, round(self.hand.width * width * self._side))
        self._pen.line(pixels.ravel().tolist(), fill=colour, width=pen)
        radius = pen / 2 - 0.5
        for x, y in (pixels[0].tolist(), pixels[-1].tolist()):
            self._pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=colour)
        self._press(pixels, colour, pen)

    def _press(self, pixels: Points, colour: Colour, pen: int) -> None:
        """Somewhere along a long stroke the hand presses harder."""
        if len(pixels) > 12 and self.chance(0.6):
            start = int(self.rng.integers(0, len(pixels) // 2))
            held = pixels[start : start + len(pixels) // 2]
            self._pen.line(held.ravel().tolist(), fill=colour, width=round(pen * 1.25) + 1)

    def shape(
        self,
        corners: Outline,
        colour: Colour | None = None,
        fill: Colour | None = None,
        filling: float | None = None,
    ) -> None:
        """A closed outline, coloured in at the chance `filling` (the child's own if None)."""
        outline = as_points(corners)
        self._inside(outline, fill, filling)
        slip = self.rng.normal(0.0, 0.12 * self.hand.gap, 2) * np.ptp(outline, axis=0)
        self.line(np.vstack([outline, outline[0] + slip]), colour)

    def oval(
        self,
        centre: tuple[float, float],
        radii: tuple[float, float],
        colour: Colour | None = None,
        fill: Colour | None = None,
        filling: float | None = None,
    ) -> None:
        """A round shape that begins anywhere and does not always meet itself."""
        self._inside(arc(centre, radii, 0.0, 2 * np.pi), fill, filling)
        gap = self.hand.gap
        start = float(self.rng.uniform(-2.2, -0.9))
        way = arc(centre, radii, start, start + 2 * np.pi + float(self.rng.normal(0.0, gap)))
        drift = np.linspace(0.0, float(self.rng.normal(0.0, 0.35 * gap)), len(way))[:, None]
        self.line(way + drift * (way - np.asarray(centre)), colour)

    def _inside(self, outline: Points, fill: Colour | None, filling: float | None) -> None:
        """Older children cover what lies behind a shape, younger ones let it shine through."""
        if self.chance(self.hand.grows(5.0, 8.0)):
            corners = self.frame.place(outline) * self._side
            self._pen.polygon(corners.ravel().tolist(), fill="white")
        if fill is not None and self.chance(self.hand.filling if filling is None else filling):
            self.colour_in(outline, fill)

    def colour_in(self, corners: Outline, colour: Colour) -> None:
        """Colour to and fro inside an outline, past it by as much as the hand lets slip."""
        tight = self.vary(np.interp(self.hand.level, [3, 6, 12], [2.6, 1.7, 1.35]), 0.18)
        zigzag = hatching(
            self.frame.place(as_points(corners)),
            float(self.rng.normal(-0.6, 0.45)),
            self.hand.width * tight,
        )
        if len(zigzag) >= 2:
            slips = zigzag + self.rng.normal(0.0, self.hand.spill, zigzag.shape)
            self._stroke(slips, colour, 1.0, rounded=False)

    def dot(self, centre: tuple[float, float], radius: float, colour: Colour | None = None) -> None:
        """A pressed dot; the radius is a share of the page."""
        self.strokes += 1
        x, y = (self.frame.place(as_points([centre]))[0] * self._side).tolist()
        size = max(radius, 0.5 * self.hand.width) * self._side
        self._pen.ellipse((x - size, y - size, x + size, y + size), colour or self.palette.outline)

    def finish(self) -> NDArray[np.uint8]:
        """The page as uint8 (224, 224, 3), the paper's tooth showing through dry colour."""
        small = np.asarray(self._image.reduce(_OVERSAMPLING), dtype=np.float32)
        shift = self.rng.integers(0, SIZE, 2)
        tooth = np.roll(_paper_grain(), shift.tolist(), axis=(0, 1))
        kept = 1.0 - self.hand.grain * (1.0 - tooth)
        page = 255.0 - (255.0 - small) * kept[:, :, None]
        return np.asarray(np.rint(page), dtype=np.uint8)
