from deepmed.learning.errors import LearningError, ModelLoadingError


class TrainingSettingsError(LearningError):
    """A training was asked for with settings that it cannot have.

    Example:
        >>> issubclass(TrainingSettingsError, LearningError)
        True
    """


class CheckpointError(ModelLoadingError):
    """A checkpoint is missing, foreign or damaged, or holds what no checkpoint may hold.

    Example:
        >>> issubclass(CheckpointError, ModelLoadingError)
        True
    """


class TrainingCancelledError(LearningError):
    """Somebody asked for the training to end; the last checkpoint stays.

    Example:
        >>> issubclass(TrainingCancelledError, LearningError)
        True
    """
