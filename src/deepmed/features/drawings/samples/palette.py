"""Colour use: first whichever crayon lies at hand, then bright ones, then what things have."""

import numpy as np

from deepmed.features.drawings.samples.hand import Hand

Colour = tuple[int, int, int]

CRAYONS: dict[str, Colour] = {
    "red": (214, 48, 44),
    "orange": (240, 138, 36),
    "yellow": (246, 200, 42),
    "green": (58, 150, 68),
    "lime": (136, 188, 60),
    "blue": (46, 92, 184),
    "sky": (104, 170, 222),
    "violet": (126, 74, 156),
    "pink": (232, 116, 158),
    "brown": (128, 84, 48),
    "black": (44, 42, 44),
    "grey": (112, 112, 116),
}
_LIKELY = {
    "sun": ("yellow", "yellow", "orange"),
    "grass": ("green", "lime", "green"),
    "sky": ("sky", "blue"),
    "cloud": ("sky", "grey", "blue"),
    "trunk": ("brown",),
    "leaves": ("green", "lime"),
    "stem": ("green",),
    "flower": ("red", "pink", "yellow", "violet"),
    "roof": ("red", "red", "brown", "orange"),
    "wall": ("yellow", "orange", "sky", "pink", "brown", "lime"),
    "door": ("brown", "brown", "red", "blue", "green"),
    "window": ("sky", "sky", "blue", "yellow"),
    "path": ("grey", "brown", "orange"),
    "fence": ("brown", "brown", "grey"),
    "smoke": ("grey", "black"),
    "hair": ("brown", "brown", "black", "yellow", "orange"),
    "skin": ("orange", "pink"),
    "shirt": ("red", "blue", "green", "yellow", "violet", "sky", "orange"),
    "trousers": ("blue", "blue", "black", "brown", "green"),
    "dress": ("pink", "red", "violet", "sky", "yellow"),
    "shoes": ("brown", "black", "red", "blue"),
    "mouth": ("red",),
    "apple": ("red",),
}


class Palette:
    """The colours of one drawing; a thing keeps its colour throughout."""

    def __init__(self, hand: Hand, rng: np.random.Generator) -> None:
        self._rng = rng
        self._hand = hand
        self._fixed: dict[str, Colour] = {}
        self._single = rng.random() < np.interp(hand.level, [3, 5, 7, 12], [0.7, 0.22, 0.08, 0.06])
        self._knows = hand.grows(3.5, 7.5)
        self.outline = self._outline()

    def _outline(self) -> Colour:
        if self._hand.tool == "pencil":
            return self._shade(CRAYONS["grey"], 16)
        dark = self._rng.random() < np.interp(self._hand.level, [3, 6, 10], [0.35, 0.55, 0.85])
        names = ("black", "black", "brown", "blue") if dark else tuple(CRAYONS)
        name = str(self._rng.choice(names))
        # Yellow or pale outlines are rare: children notice that they do not show.
        return self._shade(CRAYONS["black" if name in {"yellow", "lime"} else name])

    def _shade(self, colour: Colour, spread: int = 12) -> Colour:
        shift = self._rng.integers(-spread, spread + 1, 3)
        red, green, blue = (int(np.clip(c + s, 0, 255)) for c, s in zip(colour, shift, strict=True))
        return red, green, blue

    def of(self, thing: str) -> Colour:
        """The colour that this child gives to the thing."""
        if self._single:
            return self.outline
        if thing not in self._fixed:
            knows = self._rng.random() < self._knows
            names = _LIKELY.get(thing, tuple(CRAYONS)) if knows else tuple(CRAYONS)
            self._fixed[thing] = self._shade(CRAYONS[str(self._rng.choice(names))])
        return self._fixed[thing]

    def line(self, thing: str) -> Colour:
        """The colour of the thing's outline: its own, or one dark line for all."""
        own = self._rng.random() < np.interp(self._hand.level, [3, 6, 9, 12], [0.3, 0.65, 0.4, 0.2])
        return self.of(thing) if own else self.outline
