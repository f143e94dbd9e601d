"""Charts of what a model is worth: each has the rows that it was drawn from."""

from deepmed.features.xray.pages.result_charts.curves import Curve, by_round
from deepmed.features.xray.pages.result_charts.decisions import confusion, scale
from deepmed.features.xray.pages.result_charts.planes import Bin, Plane, calibration
from deepmed.features.xray.pages.result_charts.rows import Bar, differences, intervals

__all__ = [
    "Bar",
    "Bin",
    "Curve",
    "Plane",
    "by_round",
    "calibration",
    "confusion",
    "differences",
    "intervals",
    "scale",
]
