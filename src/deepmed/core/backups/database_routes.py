"""Looking after the database over HTTP (contract 2.11)."""

from typing import Annotated

from fastapi import APIRouter, Query

from deepmed.core.backups import maintenance, schedule, schemas
from deepmed.core.backups.maintenance import Consistency, Standing
from deepmed.core.backups.routes import Backups, CallersHome, refuse_large
from deepmed.kit import clock

router = APIRouter(prefix="/database", tags=["database"])

DEFAULT_HOURS = 6


@router.post("/backup")
def back_up(
    service: Backups, request: schemas.DatabaseBackupRequest | None = None
) -> schemas.DatabaseBackedUp:
    """Back up the database, with the files or without; copied where a second place is set."""
    wanted = request or schemas.DatabaseBackupRequest()
    refuse_large(service.home, files=wanted.include_files)
    made = service.create("full" if wanted.include_files else "database", copy=wanted.upload_to_s3)
    return schemas.DatabaseBackedUp(
        message=f"The backup {made.file.name} is complete.",
        backup_info=schemas.BackupItem.of(made.file),
    )


@router.post("/migrate")
def migrate(service: Backups, request: schemas.MigrationRequest | None = None) -> schemas.Migrated:
    """Bring the database up to the newest step, after a backup where there is something to do."""
    target = (request or schemas.MigrationRequest()).target_revision
    database = service.home.database
    before = maintenance.standing(database)
    maintenance.check_target(target)
    saved = None if before.is_up_to_date else service.create_database_backup()
    changed = maintenance.migrate(database, target)
    result = schemas.MigrationResult(
        status="migrated" if changed else "up_to_date",
        target_revision=target,
        pre_migration=_standing(before),
        post_migration=_standing(maintenance.standing(database)),
        backup_info=schemas.BackupItem.of(saved.file) if saved else None,
        consistency_check=_consistency(maintenance.check(service.home)),
        timestamp=clock.now(),
    )
    words = "brought up to date" if changed else "up to date already"
    return schemas.Migrated(message=f"The database was {words}.", migration_result=result)


@router.get("/migration-info")
def migration_info(home: CallersHome) -> schemas.MigrationInfo:
    """At which step the database is."""
    return schemas.MigrationInfo(migration_info=_standing(maintenance.standing(home.database)))


@router.post("/validate-consistency")
def validate_consistency(home: CallersHome, request: schemas.ComparisonRequest) -> schemas.Compared:
    """Compare the tables with those of the database in DEEPMED_OTHER_DATABASE_URL, by that name."""
    found = maintenance.compare(home, request.other_db_url)
    count = len(found.differences)
    return schemas.Compared(
        message="The tables are alike." if not count else f"There are {count} differences.",
        validation_result=schemas.ComparisonResult(
            status="different" if count else "consistent",
            current_environment="local",
            current_schema=found.current,
            other_schema=found.other,
            differences=found.differences,
            timestamp=clock.now(),
        ),
    )


@router.get("/backup-list")
def list_backups(service: Backups) -> schemas.DatabaseBackups:
    """Newest first."""
    return schemas.DatabaseBackups(backups=[schemas.BackupItem.of(file) for file in service.list()])


@router.post("/schedule-backups")
def schedule_backups(
    home: CallersHome,
    interval_hours: Annotated[int, Query(ge=0, le=schedule.MOST_HOURS)] = DEFAULT_HOURS,
) -> schemas.Scheduled:
    """Back up everything every so many hours, the first time at once; 0 ends it."""
    row = schedule.set_interval(home, interval_hours)
    message = (
        f"A backup is made every {interval_hours} hours, as long as a worker runs."
        if row
        else "No backups are made by the clock any more."
    )
    return schemas.Scheduled(message=message, next_backup_at=row.next_at if row else None)


@router.post("/consistency-check")
def check_consistency(home: CallersHome) -> schemas.ConsistencyChecked:
    """Check tables, references and files."""
    found = maintenance.check(home)
    message = "Nothing is wrong." if found.passed else f"{len(found.errors)} things are wrong."
    return schemas.ConsistencyChecked(message=message, consistency_result=_consistency(found))


def _standing(found: Standing) -> schemas.MigrationStanding:
    return schemas.MigrationStanding(
        current_revision=found.current_revision,
        head_revision=found.head_revision,
        is_up_to_date=found.is_up_to_date,
    )


def _consistency(found: Consistency) -> schemas.ConsistencyResult:
    return schemas.ConsistencyResult(
        foreign_keys_enabled=found.foreign_keys_enabled,
        integrity_check_passed=found.passed,
        table_count=found.table_count,
        errors=found.errors,
    )
