"""Checkpoints of trainings that ended early: weights that saw every drawing (D-30)."""

from sqlalchemy.orm import Session

from deepmed.core.home import Home
from deepmed.core.jobs.folders import sweep_folders
from deepmed.core.jobs.tables import Job
from deepmed.features.drawings.catalogue.deletion import deleted_since
from deepmed.features.drawings.jobs import KINDS
from deepmed.features.drawings.workbench import Workbench


def rest_on_deleted(session: Session, job: Job) -> bool:
    """Whether drawings that a training may have seen are deleted: then nobody goes on from it.

    Counted from its submission, because what an earlier attempt left is there in a later one.
    """
    return deleted_since(session, job.owner_id, job.created_at)


def forget(bench: Workbench) -> None:
    """Remove on this machine what rests on deleted drawings.

    A training that still runs ends first; workers look after that, and after other machines, when
    they next tidy up.
    """
    home = Home(bench.settings, bench.database, bench.owner_id)
    sweep_folders(home, {kind.name: kind for kind in KINDS})
