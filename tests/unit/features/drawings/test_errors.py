"""The original's names catch our errors."""

import pytest

from deepmed.features.drawings.data_pipeline import DataPipelineService
from deepmed.features.drawings.errors import (
    DrawingAnalysisException,
    FileStorageError,
    ImagePreprocessingError,
)
from deepmed.kit.errors import NotFoundError, StorageError


def test_any_error_of_ours_is_caught_by_the_root() -> None:
    with pytest.raises(DrawingAnalysisException):
        raise NotFoundError
    with pytest.raises(FileStorageError):
        raise StorageError


def test_a_picture_that_cannot_be_read_is_an_error_of_preprocessing() -> None:
    with pytest.raises(ImagePreprocessingError):
        DataPipelineService().preprocess_image(b"words")
