"""Files of an upload between the request that brought them and the job that imports them."""

import json
from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from pathlib import Path

from deepmed.features.drawings.importing.received import label_of
from deepmed.kit.storage import CHUNK_BYTES, FileStorageService

FOLDER = "staging"
LONGEST = timedelta(days=7)
"""What lies longer was left by an import that failed for good or was cancelled."""
_NAMES = "names.json"


class Staging:
    """One upload's files in the store, where a worker on any machine finds them.

    They lie there under numbers. The names that people gave them lie beside them and not in the
    job, which is kept: a name may be a child's.
    """

    def __init__(self, storage: FileStorageService, uid: str) -> None:
        self._storage = storage
        self._folder = f"{FOLDER}/{uid}"

    def put(self, folder: Path, names: Sequence[str]) -> None:
        """Take the files of these names out of a folder into the store."""
        for number, name in enumerate(names):
            with (folder / name).open("rb") as file:
                self._storage.put(self._key(number), iter(partial(file.read, CHUNK_BYTES), b""))
        self._storage.put(f"{self._folder}/{_NAMES}", json.dumps(list(names)).encode())

    def fetch(self, folder: Path) -> list[str]:
        """Lay the files into a folder; returns their names. Raises NotFoundError where one is gone.

        A file whose name is not safe as a name is laid under the name that it should have had.
        """
        folder.mkdir(parents=True, exist_ok=True)
        names = [label_of(name) for name in self._names()]
        for number, name in enumerate(names):
            with (folder / name).open("wb") as file:
                file.writelines(self._storage.stream(self._key(number)))
        return names

    def discard(self) -> None:
        """The names go last, so that a stop in between can be gone on from."""
        key = f"{self._folder}/{_NAMES}"
        if self._storage.exists(key):
            for number in range(len(self._names())):
                self._storage.delete(self._key(number))
            self._storage.delete(key)

    def _names(self) -> list[str]:
        found: list[str] = json.loads(self._storage.get(f"{self._folder}/{_NAMES}"))
        return found

    def _key(self, number: int) -> str:
        return f"{self._folder}/{number:05d}"
