"""The files of signed packages."""

from collections import defaultdict
from collections.abc import Iterator

from sqlalchemy import select
from sqlalchemy.orm import Session

from deepmed.core.backups.owned_files import OwnedFiles
from deepmed.core.registry.contents import MANIFEST, SIGNATURE
from deepmed.core.registry.places import ROOT, folder_of
from deepmed.core.registry.tables import Artifact
from deepmed.kit.storage import FileStorageService


def keys(session: Session, storage: FileStorageService) -> Iterator[str]:
    """Those of every artefact's present revision; of one without files, the two it cannot lack."""
    there: defaultdict[str, list[str]] = defaultdict(list)
    for stored in storage.list_files(ROOT):
        there[stored.key.rpartition("/")[0]].append(stored.key)
    query = select(Artifact.uid, Artifact.revision, Artifact.manifest_hash)
    for uid, revision, manifest_hash in session.execute(query):
        folder = folder_of(uid, revision, manifest_hash)
        yield from {f"{folder}/{MANIFEST}", f"{folder}/{SIGNATURE}", *there[folder]}


OWNED = OwnedFiles(keys)
