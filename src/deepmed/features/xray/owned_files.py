"""Which files belong to trainings on X-rays.

Those that a backup needs are in the runs' signed artefacts, which the registry owns: weights,
predictions, split, intake, course. What lies in the data folder beside them are the images that a
training took in, ZIPs that were uploaded, and the checkpoints of a run that has not ended; it can
be had again from the source, and is in no backup.
"""

from collections.abc import Iterator

from sqlalchemy.orm import Session

from deepmed.core.backups.owned_files import OwnedFiles
from deepmed.kit.storage import FileStorageService


def keys(_session: Session, _storage: FileStorageService) -> Iterator[str]:
    """None beside the registry's."""
    yield from ()


OWNED = OwnedFiles(keys, working=("xray",))
