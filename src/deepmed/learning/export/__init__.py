"""Models for use elsewhere: as ONNX for any runtime, as `.pt2` for PyTorch.

Fitted detectors compute the very same score in float64 from the encoder's float32 vector, and do
not know the encoder; classifiers go from prepared images to calibrated probabilities. Nobody
else's `.pt2` is read here: its reader is PyTorch's own.
"""

from deepmed.learning.export.errors import ModelNotExportableError
from deepmed.learning.export.graph import to_onnx
from deepmed.learning.export.inputs import ScoreInputs
from deepmed.learning.export.network import ServedNetwork, network_program, network_to_onnx
from deepmed.learning.export.program import archive_of, to_pt2
from deepmed.learning.export.whole_numbers import to_whole_numbers

__all__ = [
    "ModelNotExportableError",
    "ScoreInputs",
    "ServedNetwork",
    "archive_of",
    "network_program",
    "network_to_onnx",
    "to_onnx",
    "to_pt2",
    "to_whole_numbers",
]
