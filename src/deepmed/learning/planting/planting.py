"""Plant an anomaly into a drawing whose ink and box stay what they were.

A detector that finds such a drawing has seen more than how much was drawn and where. The design
follows the reference rows of the benchmark: ink and box features alone must not find it.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deepmed.learning.errors import InsufficientDataError
from deepmed.learning.planting.alterations import (
    jitter_strokes,
    mirror_part,
    redraw_strokes,
    shuffle_parts,
    turn_part,
)
from deepmed.learning.planting.greys import with_greys_of
from deepmed.learning.planting.ink import (
    Depth,
    Image,
    InkBox,
    box_of,
    darkness,
    ink_depth,
    paper_colour,
)
from deepmed.learning.planting.kinds import Planted, PlantedKind
from deepmed.learning.planting.matching import (
    changed_share_of,
    compare,
    compare_darkness,
    fit_to_box,
    match_ink,
    put_into,
    softened,
    to_image,
)
from deepmed.learning.planting.size import shrink
from deepmed.learning.planting.unmatched import fill_page, scribble_over, tiny_mark

TOLERANCE = 0.10
_ATTEMPTS = 16
# Where the first round could not come this near, more of the same would only disfigure.
_FAR_OFF = 0.15
_LEAST_CHANGE = {
    PlantedKind.JITTER_1: 0.03,
    PlantedKind.JITTER_2: 0.05,
    PlantedKind.JITTER_3: 0.08,
}
_LEAST_CHANGE_OF_PARTS = 0.2
# Their pixels only change place, so they are compared with untouched drawings: nothing may be
# interpolated in them. A draw whose box differs by more than the tolerance is not taken.
_MOVED = frozenset({PlantedKind.PARTS_SHUFFLED, PlantedKind.PART_MIRRORED, PlantedKind.PART_TURNED})
_UNMATCHED: dict[PlantedKind, Callable[[Image, np.random.Generator], Image]] = {
    PlantedKind.SCRIBBLE: scribble_over,
    PlantedKind.FILLED_PAGE: fill_page,
    PlantedKind.TINY_MARK: tiny_mark,
}
_ALTERED: dict[PlantedKind, Callable[[Depth, np.random.Generator], Depth]] = {
    PlantedKind.PARTS_SHUFFLED: shuffle_parts,
    PlantedKind.PART_MIRRORED: mirror_part,
    PlantedKind.PART_TURNED: turn_part,
    PlantedKind.JITTER_1: lambda crop, rng: jitter_strokes(crop, rng, 1),
    PlantedKind.JITTER_2: lambda crop, rng: jitter_strokes(crop, rng, 2),
    PlantedKind.JITTER_3: lambda crop, rng: jitter_strokes(crop, rng, 3),
}


def plant(
    image: Image,
    kind: PlantedKind,
    rng: np.random.Generator,
    donor: Image | None = None,
    tolerance: float = TOLERANCE,
) -> Planted:
    """Plant an anomaly of one kind into a drawing.

    Matched kinds keep the amount of ink and the ink box within the tolerance and visibly change
    the picture; other random draws are tried until one does both. Their strokes are as crisp as
    the original's, because its greys are kept. Large pictures are shrunk first.

    Args:
        image: uint8 (H, W, 3) RGB on light paper, of any size.
        kind: What to do.
        rng: Source of all randomness.
        donor: For `OTHER_GROUP` the drawing that takes the original's place.
        tolerance: Largest relative difference of ink and box, 0.1 for 10 %.

    Returns:
        The altered drawing, of the size that `shrink` gives the original, with its measured ink
        ratio and box errors.

    Raises:
        InsufficientDataError: The page is blank, a donor is missing, or the drawing cannot be
            altered within the tolerance.

    Example:
        >>> import numpy as np
        >>> page = np.full((80, 80, 3), 255, dtype=np.uint8)
        >>> page[10:60, 20:23], page[10:13, 20:60] = 0, 0
        >>> planted = plant(page, PlantedKind.PARTS_SHUFFLED, np.random.default_rng(0))
        >>> planted.within(0.1), bool((planted.image == page).all())
        (True, False)
    """
    image = shrink(image)
    if kind in _UNMATCHED:
        altered = _UNMATCHED[kind](image, rng)
        return Planted(altered, kind, *compare(image, altered))
    stands_in = kind is PlantedKind.OTHER_GROUP
    if stands_in and donor is None:
        raise InsufficientDataError("Another group's drawing is needed to stand in for this one.")
    page = _Page.of(image)
    depth = ink_depth(shrink(donor)) if stands_in and donor is not None else None
    # A stand-in has no random part: what fails once would fail again.
    for _ in range(1 if stands_in else _ATTEMPTS):
        crop = _ALTERED[kind](page.crop, rng) if depth is None else depth
        planted = _attempt(page, kind, crop, tolerance)
        if planted is not None:
            return planted
    raise InsufficientDataError(
        f"The drawing cannot be altered ({kind.value}) with its ink and box kept within"
        f" {tolerance:.0%}; use another drawing."
    )


def redraw(image: Image, rng: np.random.Generator) -> Image:
    """The drawing through all that stroke jitter goes through, but for the jitter itself.

    Nobody sees a difference. What a detector sees in it is no anomaly but a trace of planting, so
    jittered drawings are to be told from redrawn ones and not from untouched ones.

    Args:
        image: uint8 (H, W, 3) RGB on light paper, of any size.
        rng: Source of the displacements, of half a pixel at most.

    Returns:
        uint8 (h, w, 3) RGB, of the size that `shrink` gives the original.

    Raises:
        InsufficientDataError: The page is blank.

    Example:
        >>> import numpy as np
        >>> page = np.full((80, 80, 3), 255, dtype=np.uint8)
        >>> page[10:60, 20:23], page[10:13, 20:60] = 0, 0
        >>> again = redraw(page, np.random.default_rng(0))
        >>> bool((again == page).all()), bool((np.sort(again, None) == np.sort(page, None)).all())
        (False, True)
    """
    page = _Page.of(shrink(image))
    return _on_paper(page, _fit(page, redraw_strokes(page.crop, rng)))


@dataclass(frozen=True)
class _Page:
    """An original, measured once for all attempts."""

    paper: NDArray[np.float32]
    depth: Depth
    dark: Depth
    soft: Depth
    box: InkBox
    amount: float

    @classmethod
    def of(cls, image: Image) -> "_Page":
        paper = paper_colour(image)
        depth = ink_depth(image, paper)
        dark = darkness(depth)
        amount = float(dark.sum(dtype=np.float64))
        return cls(paper, depth, dark, softened(dark), box_of(dark), amount)

    @property
    def crop(self) -> Depth:
        return self.depth[self.box.slices]


def _attempt(page: _Page, kind: PlantedKind, crop: Depth, tolerance: float) -> Planted | None:
    """One random draw brought back to box and ink; None where it does not fit or does not show."""
    try:
        fitted = crop if kind in _MOVED else _fit(page, crop)
    except InsufficientDataError:
        return None
    altered = _on_paper(page, fitted)
    dark = darkness(ink_depth(altered))
    planted = Planted(altered, kind, *compare_darkness(page.dark, dark))
    least = _LEAST_CHANGE.get(kind, _LEAST_CHANGE_OF_PARTS)
    shows = changed_share_of(page.soft, softened(dark)) >= least
    return planted if shows and planted.within(tolerance) else None


def _on_paper(page: _Page, crop: Depth) -> Image:
    return to_image(put_into(page.depth, page.box, crop), page.paper)


def _fit(page: _Page, crop: Depth) -> Depth:
    width, height = page.box.width, page.box.height
    crop = match_ink(fit_to_box(crop, width, height), page.amount)
    if abs(float(darkness(crop).sum(dtype=np.float64)) / page.amount - 1.0) > _FAR_OFF:
        raise InsufficientDataError("The altered drawing cannot reach its original's ink.")
    # Thickness moves the edges of the box and fitting changes the ink: this settles both.
    crop = match_ink(fit_to_box(crop, width, height), page.amount)
    return with_greys_of(crop, page.crop)
