"""Planted anomalies: known deviations in real drawings, to measure what a detector can find."""

from deepmed.learning.planting.ink import InkBox, ink_amount, ink_box
from deepmed.learning.planting.kinds import (
    MATCHED_KINDS,
    UNMATCHED_KINDS,
    BoxErrors,
    Planted,
    PlantedKind,
)
from deepmed.learning.planting.matching import changed_share, compare
from deepmed.learning.planting.planting import TOLERANCE, plant, redraw
from deepmed.learning.planting.sets import plant_set, stand_ins
from deepmed.learning.planting.size import LONGEST_SIDE, shrink

__all__ = [
    "LONGEST_SIDE",
    "MATCHED_KINDS",
    "TOLERANCE",
    "UNMATCHED_KINDS",
    "BoxErrors",
    "InkBox",
    "Planted",
    "PlantedKind",
    "changed_share",
    "compare",
    "ink_amount",
    "ink_box",
    "plant",
    "plant_set",
    "redraw",
    "shrink",
    "stand_ins",
]
