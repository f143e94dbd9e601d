"""What the caller's drawings take of the file store."""

from typing import Any

from deepmed.features.drawings.catalogue.census import FOLDERS
from deepmed.features.drawings.desk import Desk


def storage(desk: Desk) -> dict[str, Any]:
    return {
        "upload_dir": FOLDERS["uploads"],
        "static_dir": FOLDERS["static"],
        "directories": {name: found.to_dict() for name, found in desk.census.folders().items()},
    }
