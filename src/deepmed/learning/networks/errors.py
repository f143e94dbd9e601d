from deepmed.learning.errors import LearningError


class NetworkChoiceError(LearningError):
    """A network was asked for that is not offered, or with settings that it cannot have.

    Example:
        >>> issubclass(NetworkChoiceError, LearningError)
        True
    """


class NetworkNotOfferedError(NetworkChoiceError):
    """A network is known and on purpose not offered; the message says why.

    Example:
        >>> issubclass(NetworkNotOfferedError, NetworkChoiceError)
        True
    """
