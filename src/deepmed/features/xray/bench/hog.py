"""Histograms of oriented gradients: how images were described before networks learned to.

Source: Dalal and Triggs, Histograms of Oriented Gradients for Human Detection (2005).
"""

import numpy as np
import numpy.typing as npt

ORIENTATIONS, CELL, BLOCK = 9, 4, 2
_CLIP = 0.2
"""Largest share of one orientation in a block, by the source's L2-Hys."""
_TINY = 1e-5

Levels = npt.NDArray[np.float64]


def histograms(images: npt.NDArray[np.uint8]) -> Levels:
    """uint8 (n, height, width) to float64 (n, features); rows and columns beyond a cell are left.

    >>> histograms(np.zeros((1, 28, 28), np.uint8)).shape
    (1, 1296)
    """
    cells = _cells(images.astype(np.float64))
    rows, columns = cells.shape[1] - BLOCK + 1, cells.shape[2] - BLOCK + 1
    blocks = np.stack(
        [
            _normalised(cells[:, row : row + BLOCK, column : column + BLOCK])
            for row in range(rows)
            for column in range(columns)
        ],
        axis=1,
    )
    return blocks.reshape(len(images), -1)


def _cells(images: Levels) -> Levels:
    """(n, rows, columns, orientations): lengths of gradients, up and down counting as one."""
    down, along = np.zeros_like(images), np.zeros_like(images)
    down[:, 1:-1] = images[:, 2:] - images[:, :-2]
    along[:, :, 1:-1] = images[:, :, 2:] - images[:, :, :-2]
    length = np.hypot(down, along)
    place = np.arctan2(down, along) % np.pi / np.pi * ORIENTATIONS - 0.5
    first = np.floor(place)
    share = place - first
    rows, columns = images.shape[1] // CELL, images.shape[2] // CELL
    found = np.zeros((len(images), rows, columns, ORIENTATIONS))
    for orientation in range(ORIENTATIONS):
        mine = (first % ORIENTATIONS == orientation) * (1 - share)
        mine += ((first + 1) % ORIENTATIONS == orientation) * share
        weighted = (mine * length)[:, : rows * CELL, : columns * CELL]
        split = weighted.reshape(len(images), rows, CELL, columns, CELL)
        found[..., orientation] = split.sum(axis=(2, 4))
    return found


def _normalised(block: Levels) -> Levels:
    flat = block.reshape(len(block), -1)
    clipped = np.minimum(_unit(flat), _CLIP)
    return _unit(clipped)


def _unit(flat: Levels) -> Levels:
    found: Levels = flat / np.sqrt((flat**2).sum(axis=1, keepdims=True) + _TINY**2)
    return found
