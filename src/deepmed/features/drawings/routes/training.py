"""Trainings on folders of drawings: begin, follow, stop, read what came of it (contract 2.5)."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from deepmed.core.jobs.dependencies import Ledger
from deepmed.features.drawings import answers
from deepmed.features.drawings.desk import CallersDesk
from deepmed.features.drawings.routes.attachments import attached
from deepmed.features.drawings.schemas.fields import ObjectId, Text
from deepmed.features.drawings.schemas.training import (
    MOST_LISTED,
    EnvironmentsStatus,
    ReportForm,
    SageMakerSetup,
    TrainingCancelled,
    TrainingConfigRequest,
    TrainingJobResponse,
    TrainingJobStatus,
    TrainingReportResponse,
)
from deepmed.features.drawings.training.config.choices import TrainingEnvironment

router = APIRouter(prefix="/training", tags=["training"])


@router.post("/jobs")
def start_training(
    desk: CallersDesk, ledger: Ledger, request: TrainingConfigRequest
) -> TrainingJobResponse:
    """Train an autoencoder on a folder of drawings, in the background."""
    return answers.training.start(desk, ledger, request)


@router.get("/jobs")
def list_trainings(
    desk: CallersDesk,
    ledger: Ledger,
    environment: TrainingEnvironment | None = None,
    status: Text | None = None,
    limit: Annotated[int, Query(ge=1, le=MOST_LISTED)] = 50,
) -> list[TrainingJobResponse]:
    """The newest first."""
    return answers.training.listed(
        desk, ledger, environment=environment, status=status, limit=limit
    )


@router.get("/jobs/{training_job_id}")
def training(desk: CallersDesk, ledger: Ledger, training_job_id: ObjectId) -> TrainingJobStatus:
    """How far it is, and why it failed where it did."""
    return answers.training.status(desk, ledger, training_job_id)


@router.post("/jobs/{training_job_id}/cancel")
def cancel_training(
    desk: CallersDesk, ledger: Ledger, training_job_id: ObjectId
) -> TrainingCancelled:
    """Stop it; what it has learned so far is kept for a day, so that it can be resumed."""
    return answers.training.cancel(desk, ledger, training_job_id)


@router.post("/jobs/{training_job_id}/resume")
def resume_training(
    desk: CallersDesk, ledger: Ledger, training_job_id: ObjectId
) -> TrainingJobResponse:
    """Let a failed or cancelled training go on from its last checkpoint."""
    return answers.training.resume(desk, ledger, training_job_id)


@router.get("/jobs/{training_job_id}/reports")
def training_reports(
    desk: CallersDesk, ledger: Ledger, training_job_id: ObjectId
) -> list[TrainingReportResponse]:
    """What it came to; the list is empty until it is completed."""
    return answers.training.reports(desk, ledger, training_job_id)


@router.get(
    "/jobs/{training_job_id}/reports/{report_id}/{form}",
    response_class=Response,
    responses={200: {"description": "The report as HTML, PDF or JSON, or its curves as CSV"}},
)
def training_report(
    desk: CallersDesk,
    ledger: Ledger,
    training_job_id: ObjectId,
    report_id: ObjectId,
    form: ReportForm,
) -> Response:
    content, name, kind = answers.training.report_file(
        desk, ledger, training_job_id, report_id, form
    )
    return attached(content, name, kind)


@router.get("/environments/status")
def environments(desk: CallersDesk, ledger: Ledger) -> EnvironmentsStatus:
    """What can be trained with: this machine, and Amazon SageMaker where it is set up."""
    return answers.training.environments(desk, ledger)


@router.post("/sagemaker/setup")
def set_up_sagemaker(
    desk: CallersDesk,
    s3_bucket: Annotated[str, Query(max_length=200)],
    ecr_repository: Annotated[str | None, Query(max_length=256)] = None,
) -> SageMakerSetup:
    """Make the bucket, the role and the repository that trainings need in Amazon's cloud."""
    return answers.training.set_up_sagemaker(desk, s3_bucket, ecr_repository)
