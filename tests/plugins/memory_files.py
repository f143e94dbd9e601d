"""Temporary folders in memory, where there is plenty: the product waits for the disk at each write.

What was written outlives the death of a process there as it does on a disk, which is what tests
prove. PYTEST_DEBUG_TEMPROOT or `--basetemp` name another place.
"""

import os
import shutil
from pathlib import Path

import pytest

MEMORY = Path("/dev/shm")  # noqa: S108 - pytest and mkdtemp make folders of their own in it
ENOUGH_BYTES = 6 * 1024**3
VARIABLE = "PYTEST_DEBUG_TEMPROOT"


def folder() -> Path | None:
    """Where temporary folders may go; None leaves that to the system."""
    if not os.access(MEMORY, os.W_OK):
        return None
    return MEMORY if shutil.disk_usage(MEMORY).free > ENOUGH_BYTES else None


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    if config.option.basetemp is None and (found := folder()):
        os.environ.setdefault(VARIABLE, str(found))
