"""Colours for values: from light to dark, so that a grey print keeps the order."""

import numpy as np
from numpy.typing import NDArray

from deepmed.learning.saliency.score import FloatArray

# On white paper little is light and much is dark; anchors at equal steps of lightness.
_ANCHORS = {
    "ember": ((255, 244, 214), (252, 196, 110), (232, 128, 62), (184, 52, 66), (92, 14, 76)),
    "grey": ((245, 245, 245), (24, 24, 24)),
}
COLOURMAPS = tuple(_ANCHORS)


def colours(values: FloatArray, colourmap: str = "ember") -> NDArray[np.float64]:
    """Colours of values.

    Args:
        values: any shape, 0 to 1.
        colourmap: `ember` or `grey`.

    Returns:
        The same shape and RGB, 0 to 255.

    Raises:
        ValueError: there is no such colour map.

    Example:
        >>> colours(np.array([0.0, 1.0]), "grey")[:, 0].tolist()
        [245.0, 24.0]
    """
    if colourmap not in _ANCHORS:
        raise ValueError(f"There is no colour map {colourmap!r}; there are: {COLOURMAPS}.")
    anchors = np.array(_ANCHORS[colourmap], dtype=np.float64)
    stops = np.linspace(0, 1, len(anchors))
    channels = [np.interp(values, stops, anchors[:, channel]) for channel in range(3)]
    return np.stack(channels, axis=-1)
