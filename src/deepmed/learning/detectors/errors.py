"""Errors of the detectors that scikit-learn's contract wants to be ``ValueError`` as well."""

from deepmed.learning.errors import InsufficientDataError, LearningError


class TooFewRowsError(InsufficientDataError, ValueError):
    """A detector was given fewer rows than it can be fitted on."""


class UnknownDetectorError(LearningError, ValueError):
    """No detector of that name is installed."""


class DetectorParameterError(LearningError, ValueError):
    """A detector was given a parameter that it does not have, or a value outside its range."""
