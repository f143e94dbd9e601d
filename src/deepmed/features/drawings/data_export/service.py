"""Everything of an owner as a file to take along."""

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

from deepmed.core.audit.repository import record
from deepmed.core.home import Home
from deepmed.features.drawings.data_export import repository
from deepmed.features.drawings.data_export.expiry import folder_of
from deepmed.features.drawings.data_export.writing import write_json, write_tables
from deepmed.kit import clock
from deepmed.kit.errors import NotFoundError
from deepmed.kit.storage import CHUNK_BYTES, StoredFile

Format = Literal["json", "csv"]
ENDINGS: dict[str, str] = {"json": ".json", "csv": ".zip"}
_NAME = re.compile(r"data_export_\d{8}_\d{6}")


@dataclass(frozen=True)
class Export:
    name: str
    format: Format
    made_at: datetime
    size: int
    record_counts: dict[str, int]
    includes_embeddings: bool


class DataExport:
    """An owner's rows in files of their own folder; another owner's are not found."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._folder = folder_of(home.owner_id)

    def make(self, form: Format, *, include_embeddings: bool) -> Export:
        """Write all drawings, models, analyses and explanations of one state of the database.

        Nothing secret is in it: no key, no password, no other owner's row. Pictures are not in it
        either; a backup holds them.
        """
        moment, name = self._free_name()
        with TemporaryDirectory() as folder:
            path = Path(folder) / name
            counts = self._write(path, form, moment, include_embeddings=include_embeddings)
            with path.open("rb") as file:
                pieces = iter(partial(file.read, CHUNK_BYTES), b"")
                stored = self._home.storage.put(self._key(name, form), pieces)
        with self._home.database.write() as session:
            record(
                session,
                self._home.owner_id,
                "drawings.export",
                "export",
                name,
                format=form,
                **counts,
            )
        return Export(name, form, moment, stored.size, counts, include_embeddings)

    def open(self, name: str) -> tuple[StoredFile, Iterator[bytes]]:
        """The file of that name in pieces, the JSON one first.

        Raises:
            NotFoundError: this owner has none of that name.
        """
        storage = self._home.storage
        for form in ENDINGS if _NAME.fullmatch(name) else ():
            key = self._key(name, form)
            found = storage.get_file_info(key)
            if found is not None:
                modified = datetime.fromisoformat(found["modified"])
                return StoredFile(key, found["file_size"], modified), storage.stream(key)
        raise NotFoundError(
            "There is no export of this name. Exports are deleted some time after they were made; "
            "make another one."
        )

    def _write(
        self, path: Path, form: Format, moment: datetime, *, include_embeddings: bool
    ) -> dict[str, int]:
        chosen = {
            table.__tablename__: table
            for table in repository.EXPORTED
            if include_embeddings or table.__tablename__ != repository.EMBEDDINGS
        }
        columns = {name: repository.columns(table) for name, table in chosen.items()}
        with self._home.database.read() as session:

            def read(name: str) -> Iterator[Any]:
                return repository.rows(session, self._home.owner_id, chosen[name])

            if form == "csv":
                return write_tables(path, columns, read)
            info = {
                "timestamp": moment,
                "format": form,
                "includes_embeddings": include_embeddings,
            }
            return write_json(path, info, columns, read)

    def _free_name(self) -> tuple[datetime, str]:
        """Of this second; where that is taken, of the next."""
        while True:
            moment = clock.now()
            name = f"data_export_{moment:%Y%m%d_%H%M%S}"
            if not any(self._home.storage.exists(self._key(name, form)) for form in ENDINGS):
                return moment, name
            time.sleep(0.05)

    def _key(self, name: str, form: str) -> str:
        return f"{self._folder}/{name}{ENDINGS[form]}"
