"""What a run keeps of its data: in its folder on the machine that it ran on, else in its artefact.

The folder is asked first: to read one file of an artefact, all of them are checked, weights too.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from deepmed.core.home import Home
from deepmed.features.xray.runs.folders import folder_of
from deepmed.features.xray.runs.reading import StoredRun
from deepmed.features.xray.source.naming import STORED_NAME
from deepmed.features.xray.source.report import IntakeReport


def intake(home: Home, stored: StoredRun) -> tuple[IntakeReport | None, Sequence[str]]:
    """What became of each file, and the names of the classes; nothing before it was taken in."""
    kept = _read(folder_of(home, stored.run) / "source" / "source.json")
    if kept is not None:
        return IntakeReport.from_json(kept["report"]), kept["classes"]
    if not stored.is_completed:
        return None, ()
    return IntakeReport.from_json(stored.intake["source"]), stored.model["classes"]


def split_of(home: Home, stored: StoredRun) -> Mapping[str, Any] | None:
    """The split as it is stored; none before there is one."""
    kept: Mapping[str, Any] | None = _read(folder_of(home, stored.run) / "split.json")
    return stored.split if kept is None and stored.is_completed else kept


def files_of(home: Home, stored: StoredRun) -> Mapping[str, str]:
    """The file of each image that is not called like it: known in the run's folder alone."""
    kept = _read(folder_of(home, stored.run) / "source" / "source.json")
    return {} if kept is None else kept.get("files", {})


def by_files(found: Any, files: Mapping[str, str]) -> Any:
    """What was found, with images called like their files wherever it names one."""
    if isinstance(found, Mapping):
        return {name: by_files(each, files) for name, each in found.items()}
    if isinstance(found, list):
        return [by_files(each, files) for each in found]
    if isinstance(found, str):
        return STORED_NAME.sub(lambda name: files.get(name[0], name[0]), found)
    return found


def images_of(home: Home, stored: StoredRun) -> Path | None:
    """Where the run's images lie, if they are on this machine."""
    folder = folder_of(home, stored.run) / "source" / "images"
    return folder if folder.is_dir() else None


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None
