import subprocess
import sys
from http import HTTPStatus

import pytest

from deepmed.kit import errors
from deepmed.kit.errors import DeepMedError
from deepmed.learning.errors import LearningError


def family(root: type[Exception]) -> list[type[Exception]]:
    return [root, *(found for child in root.__subclasses__() for found in family(child))]


# What programs rely on: a code and a status never change for a name.
STABLE = {
    "DeepMedError": ("deepmed_error", 500),
    "ValidationError": ("validation", 400),
    "PathRefusedError": ("path_refused", 400),
    "TooLargeError": ("too_large", 413),
    "NotFoundError": ("not_found", 404),
    "ConflictError": ("conflict", 409),
    "ImageProcessingError": ("image_processing", 422),
    "ConfigurationError": ("configuration", 500),
    "NotOfferedError": ("not_offered", 501),
    "ModelError": ("model", 503),
    "IntegrityError": ("integrity", 503),
    "ResourceError": ("resource", 503),
    "StorageError": ("storage", 507),
}


@pytest.mark.req("P-3.1")
def test_codes_and_statuses_are_stable() -> None:
    ours = [kind for kind in family(DeepMedError) if kind.__module__ == errors.__name__]
    assert {kind.__name__: (kind.code, kind.status) for kind in ours} == STABLE


@pytest.mark.req("P-3.1")
def test_each_error_has_a_code_of_its_own_and_a_message_for_people() -> None:
    kinds = {kind for kind in family(DeepMedError) if kind.__module__.startswith("deepmed.")}
    assert len({kind.code for kind in kinds if "code" in vars(kind)}) == len(
        [kind for kind in kinds if "code" in vars(kind)]
    )
    for kind in kinds:
        HTTPStatus(kind.status)
        assert str(kind()).endswith("."), kind


@pytest.mark.req("P-3.1")
def test_an_error_carries_message_details_and_an_id_of_its_own() -> None:
    first = errors.NotFoundError("There is no drawing 5.", drawing_id=5)
    second = errors.NotFoundError()
    assert (first.message, str(first)) == ("There is no drawing 5.", "There is no drawing 5.")
    assert first.details == {"drawing_id": 5}
    assert second.message == "There is no such object."
    assert len(first.error_id) == 32
    assert first.error_id != second.error_id


def test_an_error_without_a_description_speaks_with_its_parents_words() -> None:
    class QuietError(errors.ConflictError):
        pass

    assert QuietError().message == errors.ConflictError().message


@pytest.mark.req("P-3.1")
@pytest.mark.parametrize(
    "name",
    [
        "ValidationError",
        "ImageProcessingError",
        "ModelError",
        "StorageError",
        "ConfigurationError",
        "ResourceError",
    ],
)
def test_the_originals_exception_names_are_kept_beneath_the_root(name: str) -> None:
    assert issubclass(getattr(errors, name), DeepMedError)


@pytest.mark.req("P-3.2")
def test_the_learning_librarys_errors_know_nothing_of_http() -> None:
    for kind in family(LearningError):
        assert not issubclass(kind, DeepMedError)
        assert not {"status", "code", "error_id"} & set(dir(kind))
    code = (
        "import sys, deepmed.learning.errors as e;"
        "bad = {'http', 'fastapi', 'starlette', 'deepmed.kit.errors'} & set(sys.modules);"
        "sys.exit(str(bad) if bad else 0)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
