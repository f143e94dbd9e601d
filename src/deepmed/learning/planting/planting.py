"""Plant an anomaly into a drawing whose ink and box stay what they were.

A detector that finds such a drawing has seen more than how much was drawn and where. The design
follows the reference rows of the benchmark: ink and box features alone must not find it.
"""

from collections.abc import Callable

import numpy as np

from deepmed.learning.errors import InsufficientDataError
from deepmed.learning.planting.alterations import (
    jitter_strokes,
    mirror_part,
    shuffle_parts,
    turn_part,
)
from deepmed.learning.planting.ink import Depth, Image, box_of, darkness, ink_depth, paper_colour
from deepmed.learning.planting.kinds import Planted, PlantedKind
from deepmed.learning.planting.matching import (
    changed_share,
    compare,
    fit_to_box,
    match_ink,
    put_into,
    to_image,
)
from deepmed.learning.planting.unmatched import fill_page, scribble_over, tiny_mark

TOLERANCE = 0.10
_ATTEMPTS = 12
# Where the first round could not come this near, more of the same would only disfigure.
_FAR_OFF = 0.15
_LEAST_CHANGE = {
    PlantedKind.JITTER_1: 0.03,
    PlantedKind.JITTER_2: 0.05,
    PlantedKind.JITTER_3: 0.08,
}
_LEAST_CHANGE_OF_PARTS = 0.15
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
    the picture; other random draws are tried until one does both.

    Args:
        image: uint8 (H, W, 3) RGB on light paper, of any size.
        kind: What to do.
        rng: Source of all randomness.
        donor: For `OTHER_GROUP` the drawing that takes the original's place.
        tolerance: Largest relative difference of ink and box, 0.1 for 10 %.

    Returns:
        The altered drawing with its measured ink ratio and box errors.

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
    if kind in _UNMATCHED:
        altered = _UNMATCHED[kind](image, rng)
        return Planted(altered, kind, *compare(image, altered))
    if kind is PlantedKind.OTHER_GROUP and donor is None:
        raise InsufficientDataError("Another group's drawing is needed to stand in for this one.")
    # A donor has no random part: what fails once would fail again.
    for _ in range(1 if donor is not None else _ATTEMPTS):
        planted = _attempt(image, kind, rng, donor)
        if planted is not None and planted.within(tolerance) and _shows(image, planted):
            return planted
    raise InsufficientDataError(
        f"The drawing cannot be altered ({kind.value}) with its ink and box kept within"
        f" {tolerance:.0%}; use another drawing."
    )


def _attempt(
    image: Image, kind: PlantedKind, rng: np.random.Generator, donor: Image | None
) -> Planted | None:
    """One random draw brought back to box and ink, or None where it does not fit at all."""
    paper = paper_colour(image)
    page = ink_depth(image, paper)
    dark = darkness(page)
    box, amount = box_of(dark), float(dark.sum(dtype=np.float64))
    if kind is PlantedKind.OTHER_GROUP and donor is not None:
        crop = ink_depth(donor)
    else:
        crop = _ALTERED[kind](page[box.slices], rng)
    try:
        crop = match_ink(fit_to_box(crop, box.width, box.height), amount)
        if abs(float(darkness(crop).sum(dtype=np.float64)) / amount - 1.0) > _FAR_OFF:
            return None
        # Thickness moves the edges of the box and fitting changes the ink: this settles both.
        crop = match_ink(fit_to_box(crop, box.width, box.height), amount)
    except InsufficientDataError:
        return None
    altered = to_image(put_into(page, box, crop), paper)
    return Planted(altered, kind, *compare(image, altered))


def _shows(image: Image, planted: Planted) -> bool:
    least = _LEAST_CHANGE.get(planted.kind, _LEAST_CHANGE_OF_PARTS)
    return changed_share(image, planted.image) >= least
