"""A training in Amazon's cloud from here: hand it over, wait, and take in what it came to."""

import time
from typing import Any

from deepmed.core.home import Home
from deepmed.core.jobs import repository as jobs
from deepmed.core.jobs.context import JobContext
from deepmed.core.jobs.errors import JobCancelled
from deepmed.features.drawings.tables import TrainingJob, TrainingReport
from deepmed.features.drawings.training import repository
from deepmed.features.drawings.training.environment import dataset_of
from deepmed.features.drawings.training.errors import SageMakerJobError
from deepmed.features.drawings.training.running import configuration_of
from deepmed.features.drawings.training.sagemaker.connection import refuse_incomplete
from deepmed.features.drawings.training.sagemaker.job_config import SageMakerJobConfig
from deepmed.features.drawings.training.sagemaker.results import read_results
from deepmed.features.drawings.training.sagemaker.service import PREFIX, SageMakerTrainingService
from deepmed.features.drawings.training.storing import store
from deepmed.kit.ids import new_uid

POLL_SECONDS = 15.0
_LOOK_SECONDS = 0.5
"""How soon a request to stop is seen."""


def follow(home: Home, training: TrainingJob, job: JobContext) -> TrainingReport:
    """Train in the cloud; a run that is repeated goes on waiting for the job of the first.

    Raises:
        SageMakerJobError: Amazon refused or lost the job, or the training failed there.
    """
    service = SageMakerTrainingService(home.settings)
    name = _name(home, training)
    try:
        _submit(home, service, training, name, job)
        status = _wait(service, name, job)
    except JobCancelled:
        if _is_cancelled(home, job):  # else this worker is being stopped, and another goes on
            service.stop(name)
            service.delete_training_data(_input(name))
        raise
    service.delete_training_data(_input(name))
    if status["status"] != "completed":
        raise SageMakerJobError(
            f"The training {status['status']} in Amazon SageMaker: "
            f"{status['failure_reason'] or status['detail']}. Nothing was kept of it."
        )
    files, document = read_results(service.download_artifacts(str(status["artifacts"])))
    if document.configuration.config != configuration_of(training):
        raise SageMakerJobError("The result is of another training than this. It was not kept.")
    return store(home, training, files, document)


def _name(home: Home, training: TrainingJob) -> str:
    """The job's name there, noted before it is used."""
    if training.sagemaker_job_name is not None:
        return training.sagemaker_job_name
    name = f"{PREFIX}-{new_uid()}"
    with home.database.write() as session:
        repository.change(session, training.id, sagemaker_job_name=name)
    return name


def _submit(
    home: Home,
    service: SageMakerTrainingService,
    training: TrainingJob,
    name: str,
    job: JobContext,
) -> None:
    there = service.describe(name)
    if there is None:
        refuse_incomplete(home.settings)
        job.raise_if_cancelled()
        uri = service.upload_training_data(
            dataset_of(training).find(home.settings),
            str(home.settings.sagemaker_bucket),
            _input(name),
            lambda done, total: job.progress(done, total, "Uploading drawings"),
        )
        arn = service.submit_training_job(_wanted(home, training, name, uri))
    else:
        arn = str(there["TrainingJobArn"])
    with home.database.write() as session:
        repository.change(session, training.id, stage="training", sagemaker_job_arn=arn)


def _wanted(home: Home, training: TrainingJob, name: str, uri: str) -> SageMakerJobConfig:
    settings = home.settings
    return SageMakerJobConfig(
        job_name=name,
        config=configuration_of(training),
        encoder=settings.encoder,
        role_arn=str(settings.sagemaker_role_arn),
        image_uri=str(settings.sagemaker_image),
        input_uri=uri,
        output_uri=f"s3://{settings.sagemaker_bucket}/{PREFIX}/output",
        volume_gb=settings.sagemaker_volume_gb,
        max_seconds=settings.sagemaker_max_seconds,
    )


def _wait(service: SageMakerTrainingService, name: str, job: JobContext) -> dict[str, Any]:
    while (status := service.get_job_status(name))["status"] == "running":
        job.progress(0, 0, f"Amazon SageMaker: {status['detail'] or 'in progress'}")
        until = time.monotonic() + POLL_SECONDS
        while time.monotonic() < until:
            job.raise_if_cancelled()
            time.sleep(_LOOK_SECONDS)
    return status


def _input(name: str) -> str:
    return f"{PREFIX}/input/{name}"


def _is_cancelled(home: Home, job: JobContext) -> bool:
    with home.database.read() as session:
        return jobs.row(session, job.job_id).cancel_requested_at is not None
