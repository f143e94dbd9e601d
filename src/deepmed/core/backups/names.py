"""What backups are called; every name is ours, so none leads anywhere else."""

import re
from datetime import datetime
from pathlib import Path
from typing import Literal

from deepmed.core.backups.errors import BackupRefusedError
from deepmed.kit.errors import NotFoundError

Kind = Literal["full", "database"]

SEALED = ".enc"
JOURNAL = ".restore.json"
"""Beside the backups while a restore is under way."""
_PREFIXES: dict[str, Kind] = {"full_backup": "full", "db_backup": "database"}
_NAME = re.compile(r"(full_backup|db_backup)_\d{8}_\d{6}\.zip(\.enc)?")
RAW_DATABASE = (
    "A bare database file is not a backup: nothing in it says who made it and whether it is whole. "
    "Nothing was changed. Use a backup that DeepMed made; its name ends in .zip or .zip.enc."
)


def name_of(kind: Kind, moment: datetime, *, sealed: bool) -> str:
    """Such as `full_backup_20260102_030405.zip`; an encrypted one ends in `.enc`."""
    prefix = next(prefix for prefix, meant in _PREFIXES.items() if meant == kind)
    return f"{prefix}_{moment:%Y%m%d_%H%M%S}.zip{SEALED if sealed else ''}"


def is_name(text: str) -> bool:
    return _NAME.fullmatch(text) is not None


def kind_of(name: str) -> Kind:
    return _PREFIXES[name[: name.index("_backup") + len("_backup")]]


def is_sealed(name: str) -> bool:
    return name.endswith(SEALED)


def stem_of(name: str) -> str:
    """The name without its endings, as the contract's `backup_name` of a full backup."""
    return name.removesuffix(SEALED).removesuffix(".zip")


def check_name(text: str) -> str:
    """The full name of what was asked for; the ending `.zip` may be left out.

    Raises:
        BackupRefusedError: a bare database file is asked for.
        NotFoundError: no backup can have this name.
    """
    if is_name(text) or is_name(f"{text}.zip"):
        return text if is_name(text) else f"{text}.zip"
    if text.lower().endswith((".db", ".sqlite", ".sqlite3")):
        raise BackupRefusedError(RAW_DATABASE)
    raise NotFoundError("There is no backup of this name.")


def check_ending(file_name: str | None) -> bool:
    """Whether an uploaded file is encrypted, by its name.

    Raises:
        BackupRefusedError: a bare database file, or no backup's name.
    """
    name = Path(file_name or "").name.lower()
    if name.endswith((".db", ".sqlite", ".sqlite3")):
        raise BackupRefusedError(RAW_DATABASE)
    if not name.endswith((".zip", f".zip{SEALED}")):
        raise BackupRefusedError(
            "A backup's name ends in .zip or .zip.enc; nothing was stored. Send the file as it was "
            "downloaded."
        )
    return name.endswith(SEALED)
