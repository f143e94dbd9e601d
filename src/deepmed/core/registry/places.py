"""Where an artefact's files lie: a folder for each revision, named by its manifest's hash.

No file is ever written over, so two processes that make the same revision do not mix theirs.
"""

from collections.abc import Mapping
from datetime import timedelta

from deepmed.core.registry.packages import Read, Write
from deepmed.kit import clock
from deepmed.kit.storage import FileStorageService, StoredFile

ROOT = "artifacts"
YOUNG = timedelta(hours=1)


class Places:
    """The part of the file store that the registry owns."""

    def __init__(self, storage: FileStorageService) -> None:
        self._storage = storage

    def reader(self, uid: str, revision: int, manifest_hash: str) -> Read:
        folder = folder_of(uid, revision, manifest_hash)
        return lambda name: self._storage.get(f"{folder}/{name}")

    def writer(self, uid: str, revision: int, manifest_hash: str) -> Write:
        folder = folder_of(uid, revision, manifest_hash)
        return lambda name, content: self._storage.put(f"{folder}/{name}", content)

    def uids(self, uid: str | None) -> set[str]:
        """The artefacts that have files at all."""
        return {stored.key.split("/")[1] for stored in self._files(uid)}

    def remove(self, uid: str) -> None:
        for stored in list(self._files(uid)):
            self._storage.delete(stored.key)

    def sweep(self, uid: str | None, current: Mapping[str, tuple[int, str]]) -> list[str]:
        """Delete what no row names, given each artefact's revision and manifest hash."""
        doomed = [stored.key for stored in self._files(uid) if _is_left_over(stored, current)]
        return [key for key in doomed if self._storage.delete(key)]

    def _files(self, uid: str | None) -> list[StoredFile]:
        prefix = ROOT if uid is None else f"{ROOT}/{uid}"
        return [item for item in self._storage.list_files(prefix) if item.key.count("/") > 2]


def folder_of(uid: str, revision: int, manifest_hash: str) -> str:
    return f"{ROOT}/{uid}/{revision:06d}-{manifest_hash[:16]}"


def _is_left_over(stored: StoredFile, current: Mapping[str, tuple[int, str]]) -> bool:
    _, uid, folder, _ = stored.key.split("/", 3)
    revision, manifest_hash = current.get(uid, (0, ""))
    if f"{ROOT}/{uid}/{folder}" == folder_of(uid, revision, manifest_hash):
        return False
    # A higher revision may be in the making; one that is not higher has lost for good.
    made = folder.partition("-")[0]
    in_the_making = made.isdigit() and int(made) > revision
    return not in_the_making or stored.modified < clock.now() - YOUNG
