"""Backups and storage over HTTP (contract 2.8, without the data export of each feature)."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Depends, File, Query, Request, UploadFile
from fastapi.responses import StreamingResponse

from deepmed.core.backups import making, schemas, upkeep
from deepmed.core.backups.names import check_ending
from deepmed.core.backups.service import PIECE, BackupService
from deepmed.core.home import Home
from deepmed.kit.errors import TooLargeError
from deepmed.kit.http.attachments import attachment
from deepmed.kit.http.caller import caller_of
from deepmed.kit.sizes import GIB

router = APIRouter(tags=["backups"])

LARGEST_AT_ONCE = 2 * GIB
"""Of data that are backed up while a request waits; more takes a job."""
Name = Annotated[str, Query(max_length=200)]


def home_of(request: Request) -> Home:
    """The installation in the caller's name; backups hold the data of all owners."""
    home: Home = request.app.state.home
    return home.for_owner(caller_of(request).owner_id)


CallersHome = Annotated[Home, Depends(home_of)]


def service_of(home: CallersHome) -> BackupService:
    return BackupService.of(home)


Backups = Annotated[BackupService, Depends(service_of)]


@router.post("/backup/full")
def create_full_backup(service: Backups, *, include_files: bool = True) -> schemas.FullBackupMade:
    """Back up the database, and all files that it names, while everybody goes on working."""
    refuse_large(service.home, files=include_files)
    return schemas.FullBackupMade.of(service.create_full_backup(include_files=include_files))


@router.post("/backup/database")
def create_database_backup(service: Backups) -> schemas.DatabaseBackupMade:
    """Back up the database alone."""
    refuse_large(service.home, files=False)
    return schemas.DatabaseBackupMade.of(service.create_database_backup())


@router.get("/backup/list")
def list_backups(service: Backups) -> schemas.BackupList:
    """Newest first."""
    items = [schemas.BackupItem.of(file) for file in service.list()]
    return schemas.BackupList(backup_count=len(items), backups=items)


@router.get(
    "/backup/download/{backup_name}",
    response_class=StreamingResponse,
    responses={200: {"content": {"application/octet-stream": {}}, "description": "The backup"}},
)
def download_backup(service: Backups, backup_name: str) -> StreamingResponse:
    """The file itself; that it was fetched is written down."""
    file = service.find(backup_name)
    service.record_download(file)
    return StreamingResponse(
        _pieces(file.path),
        media_type="application/octet-stream",
        headers={**attachment(file.name, "no-store"), "Content-Length": str(file.size)},
    )


@router.post("/backup/restore")
def restore_backup(request: Request, service: Backups, backup_name: Name) -> schemas.BackupRestored:
    """Go back to a backup that this installation signed, after backing up the present state."""
    file = service.find(backup_name)
    done = service.restore(file.path)
    request.app.state.forget_data()
    return schemas.BackupRestored.of(file, done)


@router.post("/backup/upload")
def upload_backup(
    service: Backups, file: Annotated[UploadFile, File(description="As it was downloaded")]
) -> schemas.BackupUploaded:
    """Take in a backup that this installation made and signed."""
    check_ending(file.filename)
    stored = service.receive(file.file, service.home.settings.max_upload_bytes)
    return schemas.BackupUploaded(
        message="The backup was stored; nothing was restored yet.",
        filename=stored.name,
        path=schemas.path_of(stored),
        size_bytes=stored.size,
        size_mb=schemas.mebibytes(stored.size),
    )


@router.delete("/backup/{backup_name}")
def delete_backup(service: Backups, backup_name: str) -> schemas.BackupDeleted:
    gone = service.delete(backup_name)
    return schemas.BackupDeleted(
        message="The backup was deleted.",
        filename=gone.name,
        size_freed_mb=schemas.mebibytes(gone.size),
    )


@router.post("/cleanup")
def clean_up_backups(service: Backups) -> schemas.CleanedUp:
    """Delete backups that are older than thirty days or not among the ten newest."""
    gone = service.cleanup()
    left = len(service.list())
    return schemas.CleanedUp(
        message=f"{len(gone)} backups were deleted.",
        backups_before=left + len(gone),
        backups_after=left,
        files_cleaned=len(gone),
    )


@router.get("/storage/info")
def storage_info(home: CallersHome) -> schemas.StorageInfo:
    """What the installation takes of its disks."""
    disk = shutil.disk_usage(home.settings.home)
    database = upkeep.database_place(home)
    return schemas.StorageInfo(
        disk_usage=schemas.DiskUsage(
            total_gb=round(disk.total / GIB, 2),
            used_gb=round(disk.used / GIB, 2),
            free_gb=round(disk.free / GIB, 2),
            used_percent=round(100 * disk.used / disk.total, 1),
        ),
        directories={
            name: schemas.FolderSize.of(place) for name, place in upkeep.places(home).items()
        },
        database=schemas.DatabaseSize(
            path=database.path,
            exists=database.exists,
            size_mb=schemas.mebibytes(database.size_bytes),
        ),
    )


@router.post("/storage/cleanup")
def clean_up_storage(home: CallersHome) -> schemas.StorageCleaned:
    """Delete what killed processes left, files that nothing names, and old exports."""
    swept = upkeep.sweep(home)
    return schemas.StorageCleaned(
        message=f"{swept.temporary + swept.orphaned} files were deleted.",
        temp_files_removed=swept.temporary,
        orphaned_files_removed=swept.orphaned,
        space_freed_mb=schemas.mebibytes(swept.freed_bytes),
    )


def refuse_large(home: Home, *, files: bool) -> None:
    """Raises TooLargeError where a request would wait for minutes."""
    size = making.estimate(home, home.storage if files else None)
    if size > LARGEST_AT_ONCE:
        raise TooLargeError(
            f"There are {size / GIB:.1f} GiB to back up, too much to wait for. No backup "
            "was made. Use `deepmed backup create --background`, which makes it as a job, or set a "
            "schedule."
        )


def _pieces(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while piece := file.read(PIECE):
            yield piece
