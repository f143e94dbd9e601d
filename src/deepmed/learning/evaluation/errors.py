from deepmed.learning.errors import LearningError


class EvaluationError(LearningError):
    """Figures were asked of values that do not fit together."""
