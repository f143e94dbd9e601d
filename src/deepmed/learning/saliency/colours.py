"""Colours for values, of which most keep their order in a grey print."""

import numpy as np
from numpy.typing import NDArray

from deepmed.learning.saliency.score import FloatArray

# On white paper little is light and much is dark; anchors at equal steps of lightness.
_ANCHORS = {
    "ember": ((255, 244, 214), (252, 196, 110), (232, 128, 62), (184, 52, 66), (92, 14, 76)),
    "grey": ((245, 245, 245), (24, 24, 24)),
}
COLOURMAPS = tuple(_ANCHORS)
# On dark films it is the other way round. `jet` has no order of lightness: it is there for clients
# that ask for it by name.
_ON_FILMS = {
    "viridis": ((68, 1, 84), (59, 82, 139), (33, 145, 140), (94, 201, 98), (253, 231, 37)),
    "hot": ((11, 0, 0), (196, 0, 0), (255, 120, 0), (255, 230, 40), (255, 255, 255)),
    "jet": ((0, 0, 128), (0, 128, 255), (128, 255, 128), (255, 128, 0), (128, 0, 0)),
}
FILM_COLOURMAPS = tuple(_ON_FILMS)


def colours(values: FloatArray, colourmap: str = "ember") -> NDArray[np.float64]:
    """Colours of values.

    Args:
        values: any shape, 0 to 1.
        colourmap: `ember` or `grey`; over films `viridis`, `hot` or `jet`.

    Returns:
        The same shape and RGB, 0 to 255.

    Raises:
        ValueError: there is no such colour map.

    Example:
        >>> colours(np.array([0.0, 1.0]), "grey")[:, 0].tolist()
        [245.0, 24.0]
    """
    known = _ANCHORS | _ON_FILMS
    if colourmap not in known:
        raise ValueError(f"There is no colour map {colourmap!r}; there are: {tuple(known)}.")
    anchors = np.array(known[colourmap], dtype=np.float64)
    stops = np.linspace(0, 1, len(anchors))
    channels = [np.interp(values, stops, anchors[:, channel]) for channel in range(3)]
    return np.stack(channels, axis=-1)
