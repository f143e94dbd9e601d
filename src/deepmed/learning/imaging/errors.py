"""Errors of reading, preparing and loading images.

LearningError
└── ImagingError                something about the images of a run
    ├── UnreadableImageError       one file cannot be used; the message says why
    └── PreprocessingRecordError   a stored record cannot be followed here, or not to the bit
"""

from deepmed.learning.errors import LearningError


class ImagingError(LearningError):
    """Something about the images of a run is not as it must be."""


class UnreadableImageError(ImagingError):
    """One image file is missing, changed or damaged."""


class PreprocessingRecordError(ImagingError):
    """A stored preprocessing record is no such record, or gives other pixels here."""
