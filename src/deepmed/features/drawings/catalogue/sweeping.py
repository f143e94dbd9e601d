"""What killed processes left behind: pictures, maps and models that no row names."""

from datetime import timedelta

from deepmed.features.drawings.catalogue import repository
from deepmed.features.drawings.exports.expiry import FOLDER as EXPORTS
from deepmed.features.drawings.exports.expiry import delete_expired
from deepmed.features.drawings.importing import staging
from deepmed.features.drawings.models import leftovers
from deepmed.features.drawings.models.figure_keys import figure_key
from deepmed.features.drawings.workbench import Workbench
from deepmed.kit.storage import ORPHAN_AGE

FOLDERS = ("uploads/drawings", "explanations", EXPORTS)


def sweep_files(bench: Workbench, older_than: timedelta = ORPHAN_AGE) -> list[str]:
    """Delete such files of every owner, and unused models of this one; returns their keys.

    A younger file is spared, because its row may be about to be written. Only for a store that
    this installation has for itself: another one's files look like left-overs here.
    """
    delete_expired(bench.database, bench.storage)
    swept = [f"artifacts/{uid}" for uid in leftovers.sweep(bench, older_than)]
    with bench.database.read() as session:
        named = repository.named_files(session)
        named |= {figure_key(uid) for uid in repository.artifact_uids(session)}
    for folder in FOLDERS:
        swept += bench.storage.sweep_orphans(named, folder, older_than)
    swept += bench.storage.sweep_orphans((), staging.FOLDER, max(older_than, staging.LONGEST))
    return swept
