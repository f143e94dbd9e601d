"""The kinds of planted anomalies and what a planted drawing carries."""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray


class PlantedKind(StrEnum):
    """What is done to a drawing.

    Example:
        >>> PlantedKind("jitter_2").strength, PlantedKind.SCRIBBLE.matched
        (2, False)
    """

    PARTS_SHUFFLED = "parts_shuffled"
    PART_MIRRORED = "part_mirrored"
    PART_TURNED = "part_turned"
    JITTER_1 = "jitter_1"
    JITTER_2 = "jitter_2"
    JITTER_3 = "jitter_3"
    OTHER_GROUP = "other_group"
    SCRIBBLE = "scribble"
    FILLED_PAGE = "filled_page"
    TINY_MARK = "tiny_mark"

    @property
    def matched(self) -> bool:
        """Whether ink and box are kept, so that neither gives the anomaly away."""
        return self not in _UNMATCHED

    @property
    def strength(self) -> int | None:
        """1 to 3 for stroke jitter, None where a kind has one strength only."""
        return int(self.value[-1]) if self.value.startswith("jitter") else None


_UNMATCHED = frozenset({PlantedKind.SCRIBBLE, PlantedKind.FILLED_PAGE, PlantedKind.TINY_MARK})
MATCHED_KINDS = tuple(kind for kind in PlantedKind if kind.matched)
UNMATCHED_KINDS = tuple(kind for kind in PlantedKind if not kind.matched)


@dataclass(frozen=True)
class BoxErrors:
    """How far an ink box lies from the original's, as shares of the original's width and height.

    Example:
        >>> BoxErrors(x=0.01, y=0.0, width=-0.04, height=0.02).largest
        0.04
    """

    x: float  # shift of the centre
    y: float
    width: float  # relative difference of the width
    height: float

    @property
    def largest(self) -> float:
        """The largest of the four without its sign."""
        return max(abs(self.x), abs(self.y), abs(self.width), abs(self.height))


@dataclass(frozen=True)
class Planted:
    """A drawing with an anomaly in it.

    Attributes:
        image: uint8 (H, W, 3) RGB, the size of its original.
        kind: What was done.
        ink_ratio: Ink of this drawing divided by the ink of its original.
        box_errors: Its ink box against the original's.
        source: Index of the original in the set that it comes from, None for a single drawing.
        donor: Index of the drawing of another group that stands in its place, else None.

    Example:
        >>> import numpy as np
        >>> page = np.zeros((4, 4, 3), dtype=np.uint8)
        >>> Planted(page, PlantedKind.JITTER_1, 1.02, BoxErrors(0.0, 0.0, 0.05, 0.0)).within(0.1)
        True
    """

    image: NDArray[np.uint8]
    kind: PlantedKind
    ink_ratio: float
    box_errors: BoxErrors
    source: int | None = None
    donor: int | None = None

    def within(self, tolerance: float) -> bool:
        """Whether ink and box both lie within the tolerance (0.1 is 10 %) of the original's."""
        return abs(self.ink_ratio - 1.0) <= tolerance and self.box_errors.largest <= tolerance
