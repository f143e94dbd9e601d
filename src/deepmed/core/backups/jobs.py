"""A backup, or its reading back, as a job: for large data, and for the schedule."""

from dataclasses import asdict
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from deepmed.core.home import Home
from deepmed.core.jobs.context import JobContext
from deepmed.core.jobs.kinds import Isolation, JobKind

VERIFY = "backups.verify"
QUEUE = "backups"


class BackupPayload(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["full", "database"] = "full"
    tidy: bool = False
    """Whether old backups are deleted afterwards, as the schedule wants it."""


def create_backup(home: Home, job: JobContext) -> dict[str, Any]:
    from deepmed.core.backups.service import BackupService

    wanted = BackupPayload.model_validate(job.payload)
    service = BackupService.of(home)
    made = service.create(wanted.kind, progress=job.steps("Backing up files"))
    deleted = service.cleanup() if wanted.tidy else []
    return {
        "backup_name": made.file.name,
        "size_bytes": made.file.size,
        "files": made.manifest.files,
        "lost_files": made.manifest.lost_files,
        "deleted": [file.name for file in deleted],
    }


class VerifyPayload(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    backup_name: str = Field(max_length=64)


def verify_backup(home: Home, job: JobContext) -> dict[str, Any]:
    from deepmed.core.backups.service import BackupService

    wanted = VerifyPayload.model_validate(job.payload)
    service = BackupService.of(home)
    path = service.find(wanted.backup_name).path
    checked = service.verify(path, job.steps("Reading files back"))
    return {"backup_name": wanted.backup_name, **asdict(checked)}


KINDS = (
    JobKind(
        name="backups.create",
        run=create_backup,
        payload=BackupPayload,
        isolation=Isolation.PROCESS,
        queue=QUEUE,
        at_once=1,
        title=lambda _: "Back up the installation",
    ),
    JobKind(
        name=VERIFY,
        run=verify_backup,
        payload=VerifyPayload,
        isolation=Isolation.PROCESS,
        queue=QUEUE,
        at_once=1,
        title=lambda payload: f"Read back {VerifyPayload.model_validate(payload).backup_name}",
    ),
)
