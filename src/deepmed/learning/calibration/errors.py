from deepmed.learning.errors import LearningError


class ScoreNormalizationError(LearningError):
    """A score, a percentile or a calibration set cannot be ranked as it was given."""
