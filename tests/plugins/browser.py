"""The fixtures `chromium`, where a browser is, or a skip that says how to get one; `pictures`.

`browser` is an open one, for the tests of a module: left open longer, its event loop would be in
the way of other tests.
"""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync"]


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of an installed Chromium, for Playwright's `executable_path`."""
    for name in NAMES:
        if path := shutil.which(name):
            return path
    pytest.skip("no Chromium here: install the package 'chromium', or run 'make test' as root")


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator["Browser"]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as player:
        opened = player.chromium.launch(executable_path=chromium, args=FLAGS)
        yield opened
        opened.close()


@pytest.fixture(scope="session")
def pictures() -> Path:
    """Where screenshots are kept: DEEPMED_PICTURES, or `build/pictures` in the repository."""
    folder = Path(
        os.environ.get("DEEPMED_PICTURES") or Path(__file__).parents[2] / "build/pictures"
    )
    folder.mkdir(parents=True, exist_ok=True)
    return folder
