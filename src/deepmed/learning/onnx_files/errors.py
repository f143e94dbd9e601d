from deepmed.learning.errors import LearningError


class OnnxUnavailableError(LearningError):
    """The packages that write and run ONNX are not installed."""


class OnnxRefusedError(LearningError):
    """An ONNX file asks for more than arithmetic, or does not run."""
