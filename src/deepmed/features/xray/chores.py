"""What is done by the clock for X-rays, by every worker."""

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from deepmed.core.chores import Seldom
from deepmed.core.home import Home
from deepmed.features.xray import leftovers
from deepmed.features.xray.deletion import discard
from deepmed.features.xray.runs.folders import FOLDER as RUNS
from deepmed.features.xray.uploads import FOLDER as SOURCES
from deepmed.kit import clock
from deepmed.kit.database.batches import in_batches
from deepmed.kit.storage import ORPHAN_AGE

LOOK_SECONDS = 3600.0


def sweep(home: Home) -> int:
    """Delete what killed processes left, of all owners; returns how much that was.

    What is young is spared: its row may be about to be written.
    """
    return sum(
        (_sweep_artifacts(home), _sweep_runs(home), _sweep_uploads(home.settings.home / SOURCES))
    )


def _sweep_artifacts(home: Home) -> int:
    """Those whose run was deleted, and the process then killed."""
    before = clock.now() - ORPHAN_AGE
    with home.database.read() as session:
        left = leftovers.artifacts_without_run(session, before)
    return sum(discard(home.for_owner(owner), uid) for owner, uid in left)


def _sweep_runs(home: Home) -> int:
    """Folders on this machine of runs that are no more."""
    folders = {path.name: path for path in _old(home.settings.home / RUNS)}
    for batch in in_batches(list(folders)):
        with home.database.read() as session:
            known = leftovers.known_uids(session, batch)
        for uid in known:
            del folders[uid]
    for path in folders.values():
        shutil.rmtree(path, ignore_errors=True)
    return len(folders)


def _sweep_uploads(folder: Path) -> int:
    """ZIPs that did not come to their end."""
    owners = [path for path in folder.iterdir() if path.is_dir()] if folder.is_dir() else []
    left = [upload for owner in owners for upload in _old(owner) if not any(upload.glob("*.zip"))]
    for path in left:
        shutil.rmtree(path, ignore_errors=True)
    return len(left)


def _old(folder: Path) -> Iterator[Path]:
    """Folders in it that nothing was put into or taken from for a while."""
    limit = clock.now() - ORPHAN_AGE
    for path in folder.iterdir() if folder.is_dir() else ():
        try:
            changed = datetime.fromtimestamp(path.stat().st_mtime, UTC)
        except FileNotFoundError:  # another worker was faster
            continue
        if path.is_dir() and changed <= limit:
            yield path


CHORES = (Seldom(sweep, LOOK_SECONDS),)
