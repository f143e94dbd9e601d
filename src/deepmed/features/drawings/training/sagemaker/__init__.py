"""Trainings in Amazon SageMaker; boto3 is loaded by who uses it, and nothing connects unasked."""

from typing import Any

from deepmed.kit.settings import Settings


def refuse_unconfigured(settings: Settings) -> None:
    """Raises SageMakerNotConfiguredError where a training could not even be submitted."""
    from deepmed.features.drawings.training.sagemaker import connection  # noqa: PLC0415 - see above

    connection.refuse_incomplete(settings)
    connection.credentials(settings)


def validate_configuration(settings: Settings) -> dict[str, Any]:
    """Whether trainings can be submitted: `available`, `configuration`, `errors`, `warnings`."""
    from deepmed.features.drawings.training.sagemaker.service import (  # noqa: PLC0415 - see above
        SageMakerTrainingService,
    )

    return SageMakerTrainingService(settings).validate_configuration()


def set_up(settings: Settings, s3_bucket: str, ecr_repository: str | None) -> dict[str, Any]:
    """Make what trainings need in the account, and say what to set then."""
    from deepmed.features.drawings.training.sagemaker.setup import set_up as make  # noqa: PLC0415 - see above

    return make(settings, s3_bucket, ecr_repository)


def stop(settings: Settings, job_name: str) -> None:
    """Stop a training that was submitted; one that has ended stays as it is."""
    from deepmed.features.drawings.training.sagemaker.service import (  # noqa: PLC0415 - see above
        SageMakerTrainingService,
    )

    SageMakerTrainingService(settings).stop(job_name)
