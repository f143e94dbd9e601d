"""Backups in a browser: what there is and how sure it is, one more, and the way back to one."""

from dataclasses import replace
from typing import Literal, Self

from fastapi import APIRouter, Request
from pydantic import BaseModel, SecretStr
from starlette.responses import HTMLResponse

from deepmed.core.backups import jobs, looking, schedule
from deepmed.core.backups.passphrases import check_passphrase
from deepmed.core.backups.routes import Backups, refuse_large
from deepmed.core.backups.service import BackupService
from deepmed.core.jobs.dependencies import Ledger
from deepmed.kit.errors import ValidationError
from deepmed.kit.http.caller import Role
from deepmed.web.shell import Entry, page

PACKAGE = "deepmed.core.backups"
NAVIGATION = (Entry("Backups", "/backups", "Administration", Role.ADMINISTRATOR),)
JOB_PAGES = {
    schedule.KIND: "/backups/{backup_name}",
    jobs.VERIFY: "/backups/{backup_name}",
}

router = APIRouter(include_in_schema=False)


class Unlocking(BaseModel):
    """What opens an encrypted backup; it is used for this request and kept nowhere."""

    passphrase: SecretStr | None = None

    def of(self, service: BackupService) -> BackupService:
        """The service with the passphrase that was typed, or with the installation's own."""
        if self.passphrase is None:
            return service
        return replace(service, passphrase=self.passphrase.get_secret_value())


class BackupWanted(Unlocking):
    kind: Literal["full", "database"] = "full"
    passphrase_again: SecretStr | None = None

    def checked(self) -> Self:
        """Raises ValidationError for a passphrase that is short, or typed in two ways."""
        if self.passphrase != self.passphrase_again:
            raise ValidationError("The two passphrases differ. No backup was made; type it again.")
        if self.passphrase is not None:
            check_passphrase(self.passphrase.get_secret_value())
        return self


class Place(BaseModel):
    """Where it goes on: a job's page, or a backup's."""

    page: Literal["jobs", "backups"]
    id: str


class Restored(BaseModel):
    message: str


@router.get("/backups")
def backups(request: Request, service: Backups) -> HTMLResponse:
    return page(request, PACKAGE, "backups.html", looking.listed(service))


@router.post("/backups")
def create(service: Backups, ledger: Ledger, wanted: BackupWanted) -> Place:
    """Back up as a job; with a passphrase of its own at once, because no job may hold one."""
    if wanted.checked().passphrase is None:
        job = ledger.submit(schedule.KIND, jobs.BackupPayload(kind=wanted.kind))
        return Place(page="jobs", id=str(job.id))
    refuse_large(service.home, files=wanted.kind == "full")
    return Place(page="backups", id=wanted.of(service).create(wanted.kind).file.name)


@router.get("/backups/{backup_name}")
def backup(request: Request, service: Backups, backup_name: str) -> HTMLResponse:
    return page(request, PACKAGE, "backup.html", looking.one(service, backup_name))


@router.post("/backups/{backup_name}/verify")
def verify(
    service: Backups, ledger: Ledger, backup_name: str, unlocking: Unlocking | None = None
) -> Place:
    """Read it back as a job; one that only a typed passphrase opens is read at once."""
    file = service.find(backup_name)
    if unlocking is None or unlocking.passphrase is None:
        job = ledger.submit(jobs.VERIFY, jobs.VerifyPayload(backup_name=file.name))
        return Place(page="jobs", id=str(job.id))
    unlocking.of(service).verify(file.path)
    return Place(page="backups", id=file.name)


@router.get("/backups/{backup_name}/restore")
def ask_to_restore(request: Request, service: Backups, backup_name: str) -> HTMLResponse:
    """What a restore would do, and the form that asks for the words."""
    return page(request, PACKAGE, "restore.html", looking.one(service, backup_name))


@router.post("/backups/{backup_name}/restore")
def restore(
    request: Request, service: Backups, backup_name: str, unlocking: Unlocking | None = None
) -> Restored:
    """Go back to it; a backup of the present state is made first."""
    file = service.find(backup_name)
    done = (unlocking or Unlocking()).of(service).restore(file.path)
    request.app.state.forget_data()
    return Restored(
        message=f"Everything is as it was in {file.name}. The state before it is kept as "
        f"{done.safety_backup}; {done.jobs_cancelled} jobs of then were cancelled."
    )
