"""Files that killed processes left behind: pictures and maps that no row names."""

from datetime import timedelta

from deepmed.features.drawings.catalogue import repository
from deepmed.features.drawings.models.forgetting import figure_key
from deepmed.features.drawings.workbench import Workbench
from deepmed.kit.storage import ORPHAN_AGE

FOLDERS = ("uploads/drawings", "explanations")


def sweep_files(bench: Workbench, older_than: timedelta = ORPHAN_AGE) -> list[str]:
    """Delete such files of every owner; returns their keys.

    A younger file is spared, because its row may be about to be written. Only for a store that
    this installation has for itself: another one's files look like left-overs here.
    """
    with bench.database.read() as session:
        named = repository.named_files(session)
        named |= {figure_key(uid) for uid in repository.artifact_uids(session)}
    return [
        key for folder in FOLDERS for key in bench.storage.sweep_orphans(named, folder, older_than)
    ]
