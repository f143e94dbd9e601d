"""Answers of contract 2.8 and 2.11."""

from datetime import datetime
from typing import Any, Literal, Self

from pydantic import BaseModel

from deepmed.core.backups.folder import BackupFile
from deepmed.core.backups.making import Made
from deepmed.core.backups.names import Kind, stem_of
from deepmed.core.backups.restoring import Restored
from deepmed.core.backups.upkeep import Place
from deepmed.kit.sizes import MIB


def mebibytes(size: int) -> float:
    return round(size / MIB, 2)


def path_of(file: BackupFile) -> str:
    """Where it is among the backups; no answer tells a path of this machine."""
    return f"backups/{file.name}"


class Sized(BaseModel):
    size_bytes: int
    size_mb: float


class BackupMade(Sized):
    backup_name: str
    backup_path: str
    timestamp: datetime
    encrypted: bool
    lost_files: int
    status: Literal["completed"] = "completed"

    @classmethod
    def _fields(cls, made: Made) -> dict[str, Any]:
        return {
            "backup_path": path_of(made.file),
            "timestamp": made.manifest.snapshot_at,
            "size_bytes": made.file.size,
            "size_mb": mebibytes(made.file.size),
            "encrypted": made.file.encrypted,
            "lost_files": made.manifest.lost_files,
        }


class FullBackupMade(BackupMade):
    includes_files: bool

    @classmethod
    def of(cls, made: Made) -> Self:
        return cls(
            backup_name=stem_of(made.file.name),
            includes_files=made.file.kind == "full",
            **cls._fields(made),
        )


class DatabaseBackupMade(BackupMade):
    type: Literal["database_only"] = "database_only"

    @classmethod
    def of(cls, made: Made) -> Self:
        return cls(backup_name=made.file.name, **cls._fields(made))


class BackupItem(Sized):
    name: str
    path: str
    created: datetime
    modified: datetime
    type: Kind
    encrypted: bool

    @classmethod
    def of(cls, file: BackupFile) -> Self:
        return cls(
            name=file.name,
            path=path_of(file),
            size_bytes=file.size,
            size_mb=mebibytes(file.size),
            created=file.created,
            modified=file.modified,
            type=file.kind,
            encrypted=file.encrypted,
        )


class BackupList(BaseModel):
    backup_count: int
    backups: list[BackupItem]


class BackupRestored(BaseModel):
    backup_path: str
    safety_backup: str | None
    restored_components: list[str]
    files_written: int
    files_deleted: int
    jobs_cancelled: int
    lost_files: int
    status: Literal["completed"] = "completed"

    @classmethod
    def of(cls, file: BackupFile, done: Restored) -> Self:
        files = ["upload_files", "static_files"] if done.kind == "full" else []
        return cls(
            backup_path=path_of(file),
            safety_backup=done.safety_backup,
            restored_components=["database", *files],
            files_written=done.files_written,
            files_deleted=done.files_deleted,
            jobs_cancelled=done.jobs_cancelled,
            lost_files=done.lost_files,
        )


class BackupUploaded(Sized):
    message: str
    filename: str
    path: str


class BackupDeleted(BaseModel):
    message: str
    filename: str
    size_freed_mb: float


class CleanedUp(BaseModel):
    message: str
    backups_before: int
    backups_after: int
    files_cleaned: int


class DiskUsage(BaseModel):
    total_gb: float
    used_gb: float
    free_gb: float
    used_percent: float


class FolderSize(BaseModel):
    path: str
    exists: bool
    size_mb: float
    file_count: int

    @classmethod
    def of(cls, place: Place) -> Self:
        return cls(
            path=place.path,
            exists=place.exists,
            size_mb=mebibytes(place.size_bytes),
            file_count=place.file_count,
        )


class DatabaseSize(BaseModel):
    path: str
    exists: bool
    size_mb: float


class StorageInfo(BaseModel):
    disk_usage: DiskUsage
    directories: dict[str, FolderSize]
    database: DatabaseSize


class StorageCleaned(BaseModel):
    message: str
    temp_files_removed: int
    orphaned_files_removed: int
    space_freed_mb: float


class DatabaseBackupRequest(BaseModel):
    upload_to_s3: bool | None = None
    include_files: bool = False


class DatabaseBackedUp(BaseModel):
    status: Literal["success"] = "success"
    message: str
    backup_info: BackupItem


class MigrationRequest(BaseModel):
    target_revision: str = "head"


class MigrationStanding(BaseModel):
    current_revision: str | None
    head_revision: str
    is_up_to_date: bool


class ConsistencyResult(BaseModel):
    foreign_keys_enabled: bool
    integrity_check_passed: bool
    table_count: int
    errors: list[str]


class MigrationResult(BaseModel):
    status: str
    target_revision: str
    pre_migration: MigrationStanding
    post_migration: MigrationStanding
    backup_info: BackupItem | None
    consistency_check: ConsistencyResult
    timestamp: datetime


class Migrated(BaseModel):
    status: Literal["success"] = "success"
    message: str
    migration_result: MigrationResult


class MigrationInfo(BaseModel):
    status: Literal["success"] = "success"
    migration_info: MigrationStanding


class ComparisonRequest(BaseModel):
    other_db_url: str


class ComparisonResult(BaseModel):
    status: Literal["consistent", "different"]
    current_environment: str
    current_schema: dict[str, list[str]]
    other_schema: dict[str, list[str]]
    differences: list[str]
    timestamp: datetime


class Compared(BaseModel):
    status: Literal["success"] = "success"
    message: str
    validation_result: ComparisonResult


class DatabaseBackups(BaseModel):
    status: Literal["success"] = "success"
    backups: list[BackupItem]


class Scheduled(BaseModel):
    status: Literal["success"] = "success"
    message: str
    next_backup_at: datetime | None


class ConsistencyChecked(BaseModel):
    status: Literal["success"] = "success"
    message: str
    consistency_result: ConsistencyResult
