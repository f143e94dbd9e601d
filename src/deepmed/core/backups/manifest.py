"""What a backup says of itself; the bytes of this are what is signed."""

import json
from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic import ValidationError as SchemaError

from deepmed.core.backups.errors import BackupRefusedError
from deepmed.core.backups.names import Kind

Sha256 = str


class TableEntry(BaseModel):
    """A table: its rows, and where it is kept as lines, its columns and the lines' hash."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    rows: int = Field(ge=0)
    last_id: int = Field(ge=0)
    """The greatest id that a row of it ever had, as far as the database remembers."""
    columns: list[tuple[str, str]] = Field(default_factory=list)
    sha256: Sha256 | None = None


class Manifest(BaseModel):
    """The table of contents of a backup.

    Attributes:
        database: `sqlite` where the archive holds a database file, `lines` where it holds a file
            of lines for each table.
        snapshot_at: the moment whose state it is: everything committed before is in it.
        lost_files: files that rows name and that were not in the store even then.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: Literal[1] = 1
    kind: Kind
    created_at: datetime
    snapshot_at: datetime
    program: str
    revision: str
    engine: str
    database: Literal["sqlite", "lines"]
    database_sha256: Sha256 | None = None
    tables: dict[str, TableEntry]
    files: int = Field(ge=0)
    file_bytes: int = Field(ge=0)
    files_sha256: Sha256
    lost_files: int = Field(ge=0)
    holds_keys: bool
    key_sha256: Sha256 | None = None
    settings_sha256: Sha256
    signed_by: str

    def to_bytes(self) -> bytes:
        fields = self.model_dump(mode="json")
        return json.dumps(fields, sort_keys=True, separators=(",", ":")).encode()

    @classmethod
    def from_bytes(cls, content: bytes) -> "Manifest":
        """Read one whose signature was checked already.

        Raises:
            BackupRefusedError: it is of a format that this version does not know.
        """
        try:
            return cls.model_validate_json(content)
        except SchemaError as error:
            raise BackupRefusedError(
                "The backup is of a format that this version does not know. Nothing was changed; "
                "use the version that made it, or a newer one."
            ) from error
