"""Fitted detectors for use elsewhere: as ONNX for any runtime, as `.pt2` for PyTorch.

Both compute the very same score in float64 from the encoder's float32 vector; neither knows the
encoder. `.pt2` is written and never read here: its reader is PyTorch's own.
"""

from deepmed.learning.export.errors import ModelNotExportableError
from deepmed.learning.export.graph import to_onnx
from deepmed.learning.export.inputs import ScoreInputs
from deepmed.learning.export.program import to_pt2

__all__ = [
    "ModelNotExportableError",
    "ScoreInputs",
    "to_onnx",
    "to_pt2",
]
