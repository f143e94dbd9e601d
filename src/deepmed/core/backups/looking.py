"""What the pages of backups show; looking changes nothing."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from deepmed.core.backups import schedule
from deepmed.core.backups.errors import BackupRefusedError, PassphraseError
from deepmed.core.backups.folder import BackupFile
from deepmed.core.backups.manifest import Manifest
from deepmed.core.backups.passphrases import LEAST
from deepmed.core.backups.service import KEPT, KEPT_DAYS, BackupService
from deepmed.core.backups.verdicts import Verdict, verdicts

WHATS = {"full": "database and files", "database": "database alone"}
DEFAULT_HOURS = 24
"""What the form for a schedule begins with."""


@dataclass(frozen=True)
class Shown:
    """A backup as pages show it."""

    file: BackupFile
    verdict: Verdict | None
    """None where nobody has read it back since it was written."""

    @property
    def what(self) -> str:
        return WHATS[self.file.kind]

    @property
    def state(self) -> str:
        if self.verdict is None:
            return "not read back yet"
        return "whole" if self.verdict.whole else "damaged"

    @property
    def look(self) -> str:
        if self.verdict is None:
            return "none"
        return "" if self.verdict.whole else "look"


@dataclass(frozen=True)
class Contents:
    """What a backup says of itself, or why it cannot be asked."""

    manifest: Manifest | None = None
    problem: str | None = None
    locked: bool = False
    """It is encrypted, and the installation's own passphrase does not open it."""

    @property
    def rows(self) -> int:
        return sum(table.rows for table in self.manifest.tables.values()) if self.manifest else 0


def listed(service: BackupService) -> dict[str, Any]:
    """The page of all backups."""
    files = service.list()
    settings = service.home.settings
    return {
        "backups": _with_verdicts(service, files),
        "schedule": schedule.current(service.home),
        "default_hours": DEFAULT_HOURS,
        "most_hours": schedule.MOST_HOURS,
        "kept": KEPT,
        "kept_days": KEPT_DAYS,
        "encrypts": service.passphrase is not None,
        "least": LEAST,
        "copies": settings.backup_copy_url is not None,
    }


def one(service: BackupService, name: str) -> dict[str, Any]:
    """A backup with its table of contents. Raises NotFoundError."""
    file = service.find(name)
    (shown,) = _with_verdicts(service, [file])
    return {"shown": shown, "contents": contents(service, file)}


def contents(service: BackupService, file: BackupFile) -> Contents:
    """Read the table of contents and its signature; the rest of the file is not looked at."""
    try:
        with service.opened(file.path) as backup:
            return Contents(backup.manifest)
    except PassphraseError:
        return Contents(locked=True)
    except BackupRefusedError as error:
        return Contents(problem=error.message)


def _with_verdicts(service: BackupService, files: list[BackupFile]) -> list[Shown]:
    with service.home.database.read() as session:
        found: Mapping[str, Verdict] = verdicts(session, files)
    return [Shown(file, found.get(file.name)) for file in files]
