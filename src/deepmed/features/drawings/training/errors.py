"""What goes wrong in the training environment.

LocalTrainingError            400  a training that cannot be begun as asked
└── DatasetRefusedError       400  its drawings cannot be used
TrainingReportError           500  a report could not be made
├── MetricsCalculationError
└── VisualizationError
SageMakerError                503  the cloud's training service
├── SageMakerConfigurationError   400  it is set up wrongly
├── SageMakerJobError             503  it refused or lost a job, or the job failed there
│   └── SageMakerUnreachableError     503  it does not answer: worth another try
└── DockerContainerError          400  a container's files are not right
SageMakerNotConfiguredError   501  nothing says which account, bucket or role to use
"""

from deepmed.kit.errors import DeepMedError, NotOfferedError, ResourceError, ValidationError


class LocalTrainingError(ValidationError):
    """This training cannot be begun; nothing was changed."""

    code = "local_training"


class DatasetRefusedError(LocalTrainingError):
    """The drawings of this folder cannot be used; nothing was trained."""

    code = "dataset_refused"


class TrainingReportError(DeepMedError):
    """The report of a training could not be made; the training itself is kept."""

    code = "training_report"


class MetricsCalculationError(TrainingReportError):
    """The figures of a training could not be computed."""

    code = "metrics_calculation"


class VisualizationError(TrainingReportError):
    """A chart of a training could not be drawn."""

    code = "visualization"


class SageMakerError(DeepMedError):
    """Amazon SageMaker could not do what was asked; nothing was changed here."""

    code = "sagemaker"
    status = 503


class SageMakerConfigurationError(SageMakerError):
    """Amazon SageMaker is set up wrongly; nothing was begun."""

    code = "sagemaker_configuration"
    status = 400


class SageMakerJobError(SageMakerError):
    """Amazon SageMaker refused the job, or the job failed there."""

    code = "sagemaker_job"


class SageMakerUnreachableError(SageMakerJobError, ResourceError):
    """Amazon SageMaker does not answer; nothing was changed here."""

    code = "sagemaker_unreachable"


class DockerContainerError(SageMakerError):
    """The files of the training's container are not right; no image was built."""

    code = "docker_container"
    status = 400


class SageMakerNotConfiguredError(NotOfferedError):
    """Amazon SageMaker is not set up here; nothing was begun."""

    code = "sagemaker_not_configured"
