"""How far training varies images."""

from dataclasses import dataclass
from typing import Literal

Edge = Literal["black", "repeat"]


@dataclass(frozen=True)
class Variation:
    """The widest changes at strength 1; they grow in proportion to the strength.

    Attributes:
        rotation_degrees: Turns to either side.
        shift_share: Shifts along each side, as a share of it.
        zoom_share: Zooms in and out, both sides alike.
        stretch_share: How much one side is zoomed more and the other less. It changes how wide a
            heart is to its chest, so it is off unless machines of different proportions took the
            images.
        level_share: Changes of brightness, contrast and gamma.
        blur_share: Share of images that are blurred or sharpened, half of them each.
        noise_share: Largest standard deviation of added noise, as a share of all levels.
        edge: What comes in from outside: black, or the outermost pixels repeated. Black tells the
            network what was turned, which it never sees in use; of small images it is a large part.

    Raises:
        ValueError: A value is outside its range.

    Example:
        >>> Variation(zoom_share=0.25).edge
        'black'
    """

    rotation_degrees: float = 15.0
    shift_share: float = 0.05
    zoom_share: float = 0.1
    stretch_share: float = 0.0
    level_share: float = 0.1
    blur_share: float = 0.0
    noise_share: float = 0.0
    edge: Edge = "black"

    def __post_init__(self) -> None:
        if not 0 <= self.rotation_degrees <= 180:
            raise ValueError("rotation_degrees is from 0 to 180.")
        # Twice of these, at the greatest strength, must leave something of an image.
        for name in ("shift_share", "zoom_share", "stretch_share", "level_share"):
            if not 0 <= getattr(self, name) <= MOST:
                raise ValueError(f"{name} is from 0 to {MOST}.")
        if not (0 <= self.blur_share <= 1 and 0 <= self.noise_share <= MOST):
            raise ValueError(f"blur_share is from 0 to 1, and noise_share from 0 to {MOST}.")
        if self.edge not in {"black", "repeat"}:
            raise ValueError("edge is black or repeat.")


MOST = 0.45
USUAL = Variation()
