"""A backup as a job: for large data, and for the schedule."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from deepmed.core.home import Home
from deepmed.core.jobs.context import JobContext
from deepmed.core.jobs.kinds import Isolation, JobKind


class BackupPayload(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["full", "database"] = "full"
    tidy: bool = False
    """Whether old backups are deleted afterwards, as the schedule wants it."""


def create_backup(home: Home, job: JobContext) -> dict[str, Any]:
    from deepmed.core.backups.service import BackupService

    wanted = BackupPayload.model_validate(job.payload)

    def step(done: int, total: int) -> None:
        job.raise_if_cancelled()
        job.progress(done, total, "Backing up files")

    service = BackupService.of(home)
    made = service.create(wanted.kind, progress=step)
    deleted = service.cleanup() if wanted.tidy else []
    return {
        "backup_name": made.file.name,
        "size_bytes": made.file.size,
        "files": made.manifest.files,
        "lost_files": made.manifest.lost_files,
        "deleted": [file.name for file in deleted],
    }


KINDS = (
    JobKind(
        name="backups.create",
        run=create_backup,
        payload=BackupPayload,
        isolation=Isolation.PROCESS,
        queue="backups",
        at_once=1,
        title=lambda _: "Back up the installation",
    ),
)
