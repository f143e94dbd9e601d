"""Where a run's files lie."""

from pathlib import Path

from deepmed.core.home import Home
from deepmed.features.xray.tables import XrayRun

FOLDER = Path("xray", "runs")


def folder_of(home: Home, run: XrayRun) -> Path:
    """Where a run keeps images and checkpoints, on the machine that it runs on."""
    return home.settings.home / FOLDER / run.uid
