"""The interface on a data folder with runs, and on an empty one, asked as clients ask it."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from deepmed.core.home import Home
from factories.api import Api, api_on
from factories.xray_rows import central_row, federated_row, run_row

CENTRAL, FEDERATED, FAILED, STRANGERS = 1, 2, 3, 4
"""Runs."""
STRANGER = 2
"""An owner."""


@pytest.fixture(scope="module")
def hospital(_migrated: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """A run on all images, a federated one, one that failed, and somebody else's."""
    folder = tmp_path_factory.mktemp("hospital")
    shutil.copy(_migrated, folder / "deepmed.db")
    with api_on(folder) as made:
        assert central_row(made.home) == CENTRAL
        assert federated_row(made.home) == FEDERATED
        failed = {"status": "failed", "reason": "No labels.", "results": None}
        assert run_row(made.home, "failed", **failed) == FAILED
        assert central_row(made.stranger().home, "hidden") == STRANGERS
        yield made


@pytest.fixture(scope="module")
def empty_home(_migrated: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Without runs at first; tests of a module share it."""
    folder = tmp_path_factory.mktemp("empty")
    shutil.copy(_migrated, folder / "deepmed.db")
    return folder


@pytest.fixture(scope="session")
def real(trained: Home) -> Api:
    """On the one run that was trained for all tests; it is not changed."""
    return Api.of(trained)
