"""What reading a backup back came to, as the audit trail keeps it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from deepmed.core.audit import repository as audit
from deepmed.core.backups import repository
from deepmed.core.backups.folder import BackupFile


@dataclass(frozen=True)
class Verdict:
    """A backup was read back to its end at that moment, or up to a problem."""

    at: datetime
    problem: str | None

    @property
    def whole(self) -> bool:
        return self.problem is None


def note(session: Session, owner_id: int, file: BackupFile, problem: str | None) -> None:
    """Write down what was found, and in which state of the file."""
    audit.record(
        session, owner_id, repository.VERIFIED, "backup", file.name, problem=problem, **_state(file)
    )


def verdicts(session: Session, files: Iterable[BackupFile]) -> Mapping[str, Verdict]:
    """The newest finding by name; of a file that was written since there is none."""
    known = {file.name: file for file in files}
    found: dict[str, Verdict] = {}
    for event in repository.verifications(session, list(known)):
        details = dict(event.details)
        problem = details.pop("problem")
        found.pop(event.object_id, None)
        if details == _state(known[event.object_id]):
            found[event.object_id] = Verdict(event.at, problem)
    return found


def _state(file: BackupFile) -> dict[str, object]:
    return {"size": file.size, "modified": file.modified.isoformat()}
