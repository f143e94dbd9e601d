"""ONNX files that may be anybody's: looked at first, then run in a process of their own.

That process loads neither torch nor anything else of the library.
"""

from deepmed.learning.onnx_files.errors import OnnxRefusedError, OnnxUnavailableError
from deepmed.learning.onnx_files.running import run_onnx

__all__ = ["OnnxRefusedError", "OnnxUnavailableError", "run_onnx"]
