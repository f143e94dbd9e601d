"""The fixtures `chromium`, where a browser is, or a skip that says how to get one; `pictures`."""

import os
import shutil
from pathlib import Path

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of an installed Chromium, for Playwright's `executable_path`."""
    for name in NAMES:
        if path := shutil.which(name):
            return path
    pytest.skip("no Chromium here: install the package 'chromium', or run 'make test' as root")


@pytest.fixture(scope="session")
def pictures() -> Path:
    """Where screenshots are kept: DEEPMED_PICTURES, or `build/pictures` in the repository."""
    folder = Path(
        os.environ.get("DEEPMED_PICTURES") or Path(__file__).parents[2] / "build/pictures"
    )
    folder.mkdir(parents=True, exist_ok=True)
    return folder
