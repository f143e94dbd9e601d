"""What the learning library's errors mean to a client; it knows nothing of HTTP itself."""

import re
import sys
from typing import Any

from deepmed.kit.errors import ConflictError, DeepMedError, ModelError


class TooLittleDataError(ConflictError):
    """Too few drawings or children for what was asked; nothing was changed."""

    code = "insufficient_data"
    status = 400


def translate(error: Exception) -> DeepMedError | None:
    """Ours for one of the learning library's; None for any other."""
    # Whoever raised one has imported the module; importing it here would load the library.
    module: Any = sys.modules.get("deepmed.learning.errors")
    if module is None or not isinstance(error, module.LearningError):
        return None
    message = str(error) or (type(error).__doc__ or type(error).__name__)
    if isinstance(error, module.InsufficientDataError):
        return TooLittleDataError(message)
    name = type(error).__name__.removesuffix("Error")
    return ModelError(message, kind=re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower())
