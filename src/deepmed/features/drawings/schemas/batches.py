"""Uploads on their way to answers, as the contract's page asks for them (contract 13)."""

from datetime import datetime

from pydantic import BaseModel, Field

from deepmed.features.drawings.schemas.common import (
    ErrorResponse,
    FileUploadResponse,
    PaginationInfo,
)


class BatchJob(BaseModel):
    """One id from the files to the answers."""

    job_id: str
    status: str
    """uploading, ready (to be analysed), processing, completed or failed."""
    total_files: int | None = Field(ge=0)
    """Null where drawings that were there already are analysed."""
    stored: int | None = Field(ge=0)
    rejected: int | None = Field(ge=0)
    total_drawings: int | None = Field(ge=0)
    """Null until it is analysed."""
    completed: int = Field(ge=0)
    failed: int = Field(ge=0)
    created_at: datetime
    completed_at: datetime | None
    progress_url: str
    analyze_url: str | None
    error: ErrorResponse | None


class BatchJobs(BaseModel):
    """Newest first."""

    jobs: list[BatchJob]
    pagination: PaginationInfo


class BatchFiles(BaseModel):
    """Files that are being stored; they can be analysed when that is done."""

    job_id: str
    status: str
    total_files: int
    files: list[FileUploadResponse]
    progress_url: str
    analyze_url: str


class BatchBegun(BaseModel):
    """What an upload stored is being analysed."""

    batch_id: str
    total_drawings: int
    status: str
    progress_url: str
    job_id: int
