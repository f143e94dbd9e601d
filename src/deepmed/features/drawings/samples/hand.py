"""How a child of an age holds and steers the pen: the traits that every stroke of a drawing shares.

The traits follow what the literature on children's drawings agrees on (Lowenfeld's stages, Cox):
control of the line grows, shapes begin to close, lines leave their outline less often.
"""

from dataclasses import dataclass

import numpy as np

TOOLS = ("crayon", "felt pen", "coloured pencil", "pencil")
# Rows are ages 3, 7 and 12: thick tools first, pencils later.
_TOOL_SHARES = np.array(
    [[0.60, 0.36, 0.04, 0.0], [0.34, 0.30, 0.30, 0.06], [0.10, 0.22, 0.36, 0.32]]
)
_WIDTHS = {
    "crayon": (3.0, 4.4),
    "felt pen": (2.2, 3.3),
    "coloured pencil": (1.7, 2.5),
    "pencil": (1.4, 2.1),
}
_GRAIN = {"crayon": 0.42, "felt pen": 0.05, "coloured pencil": 0.34, "pencil": 0.30}


@dataclass(frozen=True)
class Hand:
    """One child's hand on one day; lengths are shares of the page, angles are radians."""

    level: float  # the age that the drawing looks like: the child's own lead or lag is in it
    tool: str
    width: float
    grain: float
    wobble: float
    tremor: float
    gap: float
    rounding: int
    spill: float
    tilt: float
    filling: float  # how readily this child colours a closed shape

    def grows(self, start: float, full: float) -> float:
        """0 before the level `start`, 1 from the level `full`, linear between."""
        return float(np.clip((self.level - start) / (full - start), 0.0, 1.0))


def _fade(level: float, at_three: float, at_twelve: float) -> float:
    share = float(np.clip((level - 3.0) / 9.0, 0.0, 1.0))
    return float(at_three * (at_twelve / at_three) ** share)


def _pick_tool(level: float, rng: np.random.Generator) -> str:
    shares = np.array([np.interp(level, [3, 7, 12], column) for column in _TOOL_SHARES.T])
    return TOOLS[int(rng.choice(len(TOOLS), p=shares / shares.sum()))]


def draw_hand(age: float, rng: np.random.Generator) -> Hand:
    """The hand of one child of this age: children of one age differ by about half a year."""
    level = float(np.clip(age + rng.normal(0.0, 0.55), 3.0, 12.8))
    tool = _pick_tool(level, rng)
    own = np.exp(rng.normal(0.0, 0.25, 5))
    filling = float(np.interp(level, [3, 5, 7, 12], [0.10, 0.35, 0.55, 0.5]))
    return Hand(
        level=level,
        tool=tool,
        width=float(rng.uniform(*_WIDTHS[tool])) / 224,
        grain=_GRAIN[tool],
        wobble=_fade(level, 0.0125, 0.0016) * float(own[0]),
        tremor=_fade(level, 0.0030, 0.0005) * float(own[1]),
        gap=_fade(level, 0.42, 0.03) * float(own[2]),
        rounding=round(_fade(level, 9.0, 1.0)),
        spill=_fade(level, 0.022, 0.002) * float(own[3]),
        tilt=float(rng.normal(0.0, _fade(level, 0.17, 0.018))),
        filling=float(np.clip(filling * own[4], 0.0, 0.9)),
    )
