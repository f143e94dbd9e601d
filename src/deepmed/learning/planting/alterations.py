"""What each kind does to the ink of a box: darkness arrays in, darkness arrays out.

All functions take float32 (h, w, 3) and return a new array; randomness comes in as a generator.
"""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from deepmed.learning.planting.ink import Depth

# Shares of the box's mean side: standard deviation of the shift, for the three strengths, and the
# distance over which neighbouring points of a stroke move together.
_SHIFTS = {1: 0.013, 2: 0.022, 3: 0.034}
_REACH = 0.05
_MIDDLE = 2
# Of the splines tried, linear ones leave the strokes visibly softer than they were; degree 2 keeps
# 95 % of their edges, and higher degrees keep no more.
INTERPOLATION = 2
_LEAST_CELL = 4


def shuffle_parts(crop: Depth, rng: np.random.Generator) -> Depth:
    """Cut the box into 2x2 or 3x3 parts and give every part another's place.

    Args:
        crop: float32 (h, w, 3).
        rng: Source of the cut and of the order.

    Returns:
        float32 (h, w, 3).

    Example:
        >>> import numpy as np
        >>> crop = np.zeros((20, 20, 3), dtype=np.float32)
        >>> crop[:10, :10] = 1.0
        >>> shuffled = shuffle_parts(crop, np.random.default_rng(0))
        >>> bool((shuffled == crop).all()), int(shuffled.sum()) == int(crop.sum())
        (False, True)
    """
    cuts = int(rng.integers(2, 4)) if min(crop.shape[:2]) >= 3 * _LEAST_CELL else 2
    order = _derangement(cuts * cuts, rng)
    rows, columns = (np.linspace(0, side, cuts + 1).astype(int) for side in crop.shape[:2])
    result = np.zeros_like(crop)
    for target, source in enumerate(order):
        (r, c), (i, j) = divmod(target, cuts), divmod(int(source), cuts)
        place = result[rows[r] : rows[r + 1], columns[c] : columns[c + 1]]
        part = crop[rows[i] : rows[i + 1], columns[j] : columns[j + 1]]
        # Parts of a side that does not divide evenly differ by a pixel.
        high, wide = min(place.shape[0], part.shape[0]), min(place.shape[1], part.shape[1])
        place[:high, :wide] = part[:high, :wide]
    return result


def _derangement(count: int, rng: np.random.Generator) -> NDArray[np.int64]:
    while True:
        order = rng.permutation(count)
        if (order != np.arange(count)).all():
            return order


def mirror_part(crop: Depth, rng: np.random.Generator) -> Depth:
    """Mirror a rectangle of a third to four fifths of the box's sides, sideways or upside down.

    Args:
        crop: float32 (h, w, 3).
        rng: Source of the rectangle and the direction.

    Returns:
        float32 (h, w, 3).

    Example:
        >>> import numpy as np
        >>> crop = np.random.default_rng(1).random((20, 20, 3)).astype(np.float32)
        >>> mirrored = mirror_part(crop, np.random.default_rng(0))
        >>> bool((mirrored == crop).all()), bool(np.isclose(mirrored.sum(), crop.sum()))
        (False, True)
    """
    rows, columns = _window(crop, rng)
    result = crop.copy()
    part = crop[rows, columns]
    result[rows, columns] = part[:, ::-1] if rng.random() < 0.5 else part[::-1]
    return result


def turn_part(crop: Depth, rng: np.random.Generator) -> Depth:
    """Turn a square of the box by a quarter either way, or a rectangle by half.

    Args:
        crop: float32 (h, w, 3).
        rng: Source of the part and the turn.

    Returns:
        float32 (h, w, 3).

    Example:
        >>> import numpy as np
        >>> crop = np.random.default_rng(1).random((20, 20, 3)).astype(np.float32)
        >>> turned = turn_part(crop, np.random.default_rng(0))
        >>> bool((turned == crop).all()), bool(np.isclose(turned.sum(), crop.sum()))
        (False, True)
    """
    quarters = int(rng.choice([1, 2, 3]))
    rows, columns = _window(crop, rng, square=quarters != 2)
    result = crop.copy()
    result[rows, columns] = np.rot90(crop[rows, columns], quarters)
    return result


def _window(crop: Depth, rng: np.random.Generator, *, square: bool = False) -> tuple[slice, slice]:
    height, width = crop.shape[:2]
    sizes = [int(side * rng.uniform(0.35, 0.8)) for side in (height, width)]
    if square:
        # A square as large as the box allows: a quarter turn of a small one changes little.
        sizes = [int(min(height, width) * rng.uniform(0.5, 1.0))] * 2
    high, wide = (max(2, size) for size in sizes)
    top = int(rng.integers(0, max(1, height - high + 1)))
    left = int(rng.integers(0, max(1, width - wide + 1)))
    return slice(top, top + high), slice(left, left + wide)


def jitter_strokes(crop: Depth, rng: np.random.Generator, strength: int) -> Depth:
    """Shift every point of the strokes by a smooth random field: the line of an unsteady hand.

    Args:
        crop: float32 (h, w, 3).
        rng: Source of the field.
        strength: 1, 2 or 3.

    Returns:
        float32 (h + m, w + m, 3): with a margin for strokes that moved outwards.

    Example:
        >>> import numpy as np
        >>> crop = np.zeros((40, 40, 3), dtype=np.float32)
        >>> crop[20:22] = 1.0
        >>> jittered = jitter_strokes(crop, np.random.default_rng(0), 2)
        >>> len(np.unique(jittered[:, :, 0].argmax(axis=0))) > 1
        True
    """
    padded, field = _unsteady(crop, rng, strength)
    return _displaced(padded, field)


def redraw_strokes(crop: Depth, rng: np.random.Generator) -> Depth:
    """The strokes through the interpolation of `jitter_strokes`, but where they were.

    The field is that of jitter, folded back between minus and plus half a pixel. So each pixel is
    mixed from its neighbours in the shares in which jitter mixes, and nobody sees a difference.

    Args:
        crop: float32 (h, w, 3).
        rng: Source of the field.

    Returns:
        float32 (h + m, w + m, 3): with a margin, as jitter has it.

    Example:
        >>> import numpy as np
        >>> crop = np.zeros((40, 40, 3), dtype=np.float32)
        >>> crop[20:22] = 1.0
        >>> redrawn = redraw_strokes(crop, np.random.default_rng(0))
        >>> darkest = redrawn[:, 10:-10, 0].argmax(axis=0)
        >>> int(darkest.max() - darkest.min()) <= 1
        True
    """
    padded, field = _unsteady(crop, rng, _MIDDLE)
    folded = np.arcsin(np.sin(np.pi * field)) / np.pi
    return _displaced(padded, folded.astype(np.float32))


def _unsteady(crop: Depth, rng: np.random.Generator, strength: int) -> tuple[Depth, Depth]:
    """The crop with room around it, and how far each of its pixels is to move, in pixels."""
    side = float(np.mean(crop.shape[:2]))
    shift, reach = _SHIFTS[strength] * side, max(1.0, _REACH * side)
    margin = int(3 * shift) + 2
    padded = np.pad(crop, ((margin, margin), (margin, margin), (0, 0)))
    field = np.stack([_field(padded.shape[:2], reach, rng) for _ in range(2)])
    return padded, np.float32(shift) * field


def _displaced(padded: Depth, field: Depth) -> Depth:
    where = np.indices(padded.shape[:2], dtype=np.float32) + field
    channels = [
        ndimage.map_coordinates(padded[:, :, channel], where, order=INTERPOLATION)
        for channel in range(3)
    ]
    # Splines of a degree above 1 overshoot beside edges.
    return np.asarray(np.clip(np.stack(channels, axis=2), 0.0, 1.0))


def _field(shape: tuple[int, ...], reach: float, rng: np.random.Generator) -> Depth:
    """Smooth noise of mean 0 and standard deviation 1."""
    noise = rng.standard_normal(shape, dtype=np.float32)
    soft = ndimage.gaussian_filter(noise, reach, mode="reflect")
    return np.asarray((soft - soft.mean()) / max(float(soft.std()), 1e-9), dtype=np.float32)
