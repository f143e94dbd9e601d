"""Files of an upload between the request that brought them and the job that imports them."""

from collections.abc import Sequence
from pathlib import Path

from deepmed.kit.storage import FileStorageService

FOLDER = "staging"


class Staging:
    """One upload's files in the store, where a worker on any machine finds them.

    They lie there under numbers; the names that people gave them travel in the job.
    """

    def __init__(self, storage: FileStorageService, uid: str) -> None:
        self._storage = storage
        self._folder = f"{FOLDER}/{uid}"

    def put(self, folder: Path, names: Sequence[str]) -> None:
        """Take the files of these names out of a folder into the store."""
        for number, name in enumerate(names):
            self._storage.put(self._key(number), (folder / name).read_bytes())

    def fetch(self, folder: Path, names: Sequence[str]) -> None:
        """Lay the files into a folder under their names. Raises NotFoundError where one is gone."""
        folder.mkdir(parents=True, exist_ok=True)
        for number, name in enumerate(names):
            (folder / name).write_bytes(self._storage.get(self._key(number)))

    def discard(self, names: Sequence[str]) -> None:
        for number in range(len(names)):
            self._storage.delete(self._key(number))

    def _key(self, number: int) -> str:
        return f"{self._folder}/{number:05d}"
