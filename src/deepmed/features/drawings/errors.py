"""The names under which the original's errors are known, beneath the one root (P-3).

An error of ours is caught by either name. What is raised is the kind of `deepmed.kit.errors`.
"""

from deepmed.kit.errors import DeepMedError, ImageProcessingError, StorageError

DrawingAnalysisException = DeepMedError
"""The root: `except DrawingAnalysisException` catches whatever goes wrong with drawings."""
ImagePreprocessingError = ImageProcessingError
FileStorageError = StorageError

__all__ = ["DrawingAnalysisException", "FileStorageError", "ImagePreprocessingError"]
