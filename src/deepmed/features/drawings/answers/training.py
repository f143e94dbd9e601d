"""What the routes of the training environment answer."""

from deepmed.core.home import Home
from deepmed.core.jobs.ledger import JobLedger
from deepmed.features.drawings.desk import Desk
from deepmed.features.drawings.schemas.training import (
    EnvironmentsStatus,
    LocalEnvironment,
    SageMakerEnvironment,
    SageMakerSetup,
    TrainingCancelled,
    TrainingConfigRequest,
    TrainingJobResponse,
    TrainingJobStatus,
    TrainingReportResponse,
)
from deepmed.features.drawings.tables import TrainingReport
from deepmed.features.drawings.training import sagemaker
from deepmed.features.drawings.training.config.composing import checked
from deepmed.features.drawings.training.config.models import TrainingConfig
from deepmed.features.drawings.training.datasets import Dataset
from deepmed.features.drawings.training.environment import (
    LocalTrainingEnvironment,
    described,
)

REPORTS = "/api/v1/training/jobs"


def start(desk: Desk, ledger: JobLedger, request: TrainingConfigRequest) -> TrainingJobResponse:
    """Accept a training.

    Raises:
        ValidationError: the configuration or the folder cannot be used.
        SageMakerNotConfiguredError: SageMaker is asked for and is not set up here.
    """
    config = configuration(request, desk.home)
    environment = LocalTrainingEnvironment(desk.home, ledger)
    number = environment.start_training_job(
        config, Dataset(request.dataset_folder, request.metadata_file)
    )
    return TrainingJobResponse.model_validate(described(environment.get_job(number)))


def configuration(request: TrainingConfigRequest, home: Home) -> TrainingConfig:
    """The contract's flat fields as a configuration."""
    defaults = TrainingConfig()
    return checked(
        defaults.model_dump(mode="json")
        | {
            "job_name": request.job_name,
            "environment": request.environment.value,
            "epochs": request.epochs,
            "batch_size": request.batch_size,
            "loss": request.loss.value,
            "patience": request.patience,
            "seed": home.settings.seed if request.seed is None else request.seed,
            "model": {"hidden_dims": request.hidden_dims},
            "optimizer": {
                "type": request.optimizer.value,
                "learning_rate": request.learning_rate,
            },
            "scheduler": {"type": request.scheduler.value},
            "data": {
                "train_split": request.train_split,
                "validation_split": request.validation_split,
                "test_split": request.test_split,
                "layout": request.layout,
                "percentile": home.settings.threshold_percentile,
            },
            "instance_type": request.instance_type or defaults.instance_type,
            "instance_count": request.instance_count,
        }
    )


def listed(
    desk: Desk, ledger: JobLedger, *, environment: str | None, status: str | None, limit: int
) -> list[TrainingJobResponse]:
    found = LocalTrainingEnvironment(desk.home, ledger).list_training_jobs(
        environment, status, limit
    )
    return [TrainingJobResponse.model_validate(described(line)) for line in found]


def status(desk: Desk, ledger: JobLedger, number: int) -> TrainingJobStatus:
    found = LocalTrainingEnvironment(desk.home, ledger).get_job_status(number)
    return TrainingJobStatus.model_validate(found)


def cancel(desk: Desk, ledger: JobLedger, number: int) -> TrainingCancelled:
    environment = LocalTrainingEnvironment(desk.home, ledger)
    environment.cancel_training_job(number)
    _, job = environment.get_job(number)
    if job.state == "cancelled":
        message = "It was cancelled before it trained, or where it stood."
    else:
        message = "It was asked to stop; whoever works on it sees to that within ten seconds."
    return TrainingCancelled(job_id=number, status="cancelled", message=message)


def resume(desk: Desk, ledger: JobLedger, number: int) -> TrainingJobResponse:
    environment = LocalTrainingEnvironment(desk.home, ledger)
    environment.resume_training_job(number)
    return TrainingJobResponse.model_validate(described(environment.get_job(number)))


def reports(desk: Desk, ledger: JobLedger, number: int) -> list[TrainingReportResponse]:
    found = LocalTrainingEnvironment(desk.home, ledger).reports(number)
    return [_report(row) for row in found]


def report_file(
    desk: Desk, ledger: JobLedger, number: int, report_id: int, form: str
) -> tuple[bytes, str, str]:
    """The report in one form: its content, name and type."""
    row = LocalTrainingEnvironment(desk.home, ledger).report(number, report_id)
    from deepmed.features.drawings.training.reports.download import (  # noqa: PLC0415 - the library
        rendered,
    )

    content, kind = rendered(desk.home, row, form)
    return content, f"training_{number}_report.{form}", kind


def environments(desk: Desk, ledger: JobLedger) -> EnvironmentsStatus:
    local = LocalTrainingEnvironment(desk.home, ledger).get_environment_info()
    cloud = sagemaker.validate_configuration(desk.home.settings)
    return EnvironmentsStatus(
        local=LocalEnvironment.model_validate(local),
        sagemaker=SageMakerEnvironment.model_validate(cloud),
    )


def set_up_sagemaker(desk: Desk, s3_bucket: str, ecr_repository: str | None) -> SageMakerSetup:
    return SageMakerSetup.model_validate(
        sagemaker.set_up(desk.home.settings, s3_bucket, ecr_repository)
    )


def _report(row: TrainingReport) -> TrainingReportResponse:
    place = f"{REPORTS}/{row.training_job_id}/reports/{row.id}"
    summary = row.metrics_summary
    return TrainingReportResponse(
        id=row.id,
        final_loss=row.final_loss,
        validation_accuracy=row.validation_accuracy,
        validation_accuracy_reason=summary["validation_accuracy_reason"],
        best_epoch=row.best_epoch,
        training_time_seconds=row.training_time_seconds,
        model_parameters_path=f"artifacts/{summary['artifact']}",
        report_file_path=f"{place}/html",
        created_timestamp=row.created_timestamp,
        artifact=summary["artifact"],
        downloads={form: f"{place}/{form}" for form in ("html", "pdf", "json", "csv")},
    )
