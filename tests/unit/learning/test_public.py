"""What a notebook meets."""

import subprocess
import sys

import pytest

import deepmed.learning


@pytest.mark.req("P-11.1")
def test_every_public_name_can_be_imported() -> None:
    for name in deepmed.learning.__all__:
        assert getattr(deepmed.learning, name) is not None
    assert set(deepmed.learning.__all__) == set(deepmed.learning._ROOM_OF)


@pytest.mark.req("P-11.1")
def test_the_library_needs_neither_web_nor_database() -> None:
    code = (
        "import sys; from deepmed.learning import *; "
        "print(sorted({'sqlalchemy', 'fastapi', 'alembic', 'typer'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.req("P-11.1")
def test_every_public_name_says_what_it_is() -> None:
    for name in deepmed.learning.__all__:
        assert (getattr(deepmed.learning, name).__doc__ or "").strip(), name


def test_ranking_does_not_wait_for_torch() -> None:
    code = "import sys; from deepmed.learning import decide; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_neither_reading_a_model_nor_naming_an_encoder_waits_for_torch() -> None:
    code = (
        "import sys; from deepmed.learning.reference import from_files; "
        "from deepmed.learning.encoders import available_encoders; "
        "from deepmed.learning.encoders.built_in import known_identity; "
        "assert all(known_identity(name) for name in available_encoders()); "
        "print(sorted({'torch', 'sklearn', 'transformers'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_an_unknown_name_is_named() -> None:
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = deepmed.learning.no_such_name
