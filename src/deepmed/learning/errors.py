"""Errors of the learning library; they know nothing of HTTP.

LearningError
├── InsufficientDataError         too few drawings or children for what was asked
├── AutoencoderTrainingError      training did not converge, or diverged beyond recovery
├── ModelLoadingError             weights are missing, foreign or damaged
├── EncoderMismatchError          vectors of one encoder were given to a model of another
├── EmbeddingServiceError         embedding failed
│   └── EmbeddingGenerationError      an encoder could not embed an image
├── InterpretabilityError         an explanation failed
│   └── SaliencyGenerationError       a map could not be made, or would say nothing
│       └── AttentionVisualizationError   the encoder has no attention to show
├── NotDifferentiableError        a gradient was asked of a model that has none
└── DeviceDetectionError          the wanted computing device is not there
"""


class LearningError(Exception):
    """Root of everything that the learning library raises on purpose."""


class InsufficientDataError(LearningError):
    """Too few drawings or children for what was asked."""


class AutoencoderTrainingError(LearningError):
    """Training diverged beyond recovery."""


class ModelLoadingError(LearningError):
    """Weights are missing, foreign or damaged."""


class EncoderMismatchError(LearningError):
    """Vectors of one encoder were given to a model of another."""


class EmbeddingServiceError(LearningError):
    """Embedding failed."""


class EmbeddingGenerationError(EmbeddingServiceError):
    """An encoder could not embed an image."""


class InterpretabilityError(LearningError):
    """An explanation failed."""


class SaliencyGenerationError(InterpretabilityError):
    """A saliency map could not be made, or would say nothing."""


class AttentionVisualizationError(SaliencyGenerationError):
    """The encoder has no attention to show."""


class NotDifferentiableError(LearningError):
    """A gradient was asked of a model that has none."""


class DeviceDetectionError(LearningError):
    """The wanted computing device is not there."""
