"""The one error root: what happened, what was kept, what to do.

DeepMedError
├── ValidationError          400  bad values in a request, a file or a table
│   ├── PathRefusedError     400  a path that would leave the caller's own store
│   └── TooLargeError        413  more bytes than are allowed
├── NotFoundError            404  no such object, or another owner's
├── ConflictError            409  the state of things forbids it now
├── ImageProcessingError     422  a picture that cannot be read
├── ConfigurationError       500  a wrong setting
├── NotOfferedError          501  another program's work, or wants a setting first
├── ModelError               503  a model cannot be trained, loaded or asked
│   └── IntegrityError       503  a stored file is not what was signed
├── ResourceError            503  the machine lacks something
└── StorageError             507  a file cannot be stored or read
"""

import inspect
from typing import Any, ClassVar

from deepmed.kit.ids import new_uid


class DeepMedError(Exception):
    """Something went wrong in DeepMed; nothing was changed."""

    code: ClassVar[str] = "deepmed_error"
    status: ClassVar[int] = 500

    def __init__(self, message: str | None = None, **details: Any) -> None:
        self.message = message or _first_line(type(self))
        self.details = details
        self.error_id = new_uid()
        super().__init__(self.message)


def _first_line(kind: type[Exception]) -> str:
    return (inspect.getdoc(kind) or kind.__name__).split("\n", maxsplit=1)[0]


class ValidationError(DeepMedError):
    """A value is not acceptable; nothing was stored."""

    code = "validation"
    status = 400


class PathRefusedError(ValidationError):
    """A name would leave the place it belongs to; nothing was read or written."""

    code = "path_refused"


class TooLargeError(ValidationError):
    """It is larger than is allowed; nothing was stored."""

    code = "too_large"
    status = 413


class NotFoundError(DeepMedError):
    """There is no such object."""

    code = "not_found"
    status = 404


class ConflictError(DeepMedError):
    """The request contradicts what is already there; nothing was changed."""

    code = "conflict"
    status = 409


class ImageProcessingError(DeepMedError):
    """The picture cannot be read; nothing was stored."""

    code = "image_processing"
    status = 422


class ConfigurationError(DeepMedError):
    """A setting is wrong."""

    code = "configuration"
    status = 500


class NotOfferedError(DeepMedError):
    """This server does not do it; nothing was done."""

    code = "not_offered"
    status = 501


class ModelError(DeepMedError):
    """A model cannot do what was asked of it."""

    code = "model"
    status = 503


class IntegrityError(ModelError):
    """A stored file is not the one that was signed; it was not used."""

    code = "integrity"


class ResourceError(DeepMedError):
    """The machine lacks what this needs; try again later."""

    code = "resource"
    status = 503


class StorageError(DeepMedError):
    """A file could not be stored or read; nothing was changed."""

    code = "storage"
    status = 507
