"""Whether the attained level is the share of typical drawings flagged, or only its upper bound."""

from collections.abc import Hashable

import numpy as np

from deepmed.learning.calibration import CalibrationSet


def why_only_a_bound(calibration: CalibrationSet, child: Hashable = None) -> str | None:
    """Why fewer typical drawings may be flagged than the level says; None where it is exact.

    A child with several drawings counts by the share of them, and equal scores share a rank: in
    both cases p is valid, and no longer exact (D-22).

    Args:
        calibration: the comparison children.
        child: one of them whose own drawing is ranked among the others.
    """
    ranking = calibration if child not in calibration else calibration.without_child(child)
    if len(ranking) > ranking.n_children:
        return f"{ranking.n_children} children made {len(ranking)} drawings"
    if len(np.unique(ranking.scores)) < len(ranking):
        return "some of their scores are equal"
    return None
