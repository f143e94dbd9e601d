"""How long a fresh installation takes from the lock, on this machine and its network."""

import os
import subprocess
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import deepmed
from deepmed.app.bench.platform.figures import Figure
from deepmed.kit.errors import ConfigurationError, ResourceError


def set_up() -> Figure:
    """`make setup` into a virtual environment of its own, without the package cache.

    Raises:
        ConfigurationError: this is no checkout, so there is no lock.
        ResourceError: it failed.
    """
    root = Path(deepmed.__file__).parents[2]
    if not (root / "Makefile").is_file():
        raise ConfigurationError(
            "Setting up can be measured in a checkout only. Leave out --setup, or run "
            "`deepmed bench platform` from a checkout's own environment."
        )
    with TemporaryDirectory() as folder:
        begun = time.perf_counter()
        done = subprocess.run(  # noqa: S603 - fixed arguments
            ["make", "setup", f"VENV={folder}/venv"],  # noqa: S607 - the user's own make
            cwd=root,
            env=os.environ | {"PIP_NO_CACHE_DIR": "1"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        seconds = time.perf_counter() - begun
    if done.returncode:
        raise ResourceError(f"`make setup` failed: {done.stderr[-500:]}")
    return Figure([seconds], "s", 180.0)
