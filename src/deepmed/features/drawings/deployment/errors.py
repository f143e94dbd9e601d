"""What goes wrong when models leave, arrive and come into use.

ModelDeploymentError           400
├── ModelExportError           400  it cannot be written in this form
├── ModelValidationError       400  the check found something wrong
├── ModelCompatibilityError    400  it does not fit this installation
├── NoFittedWeightsError       409  nothing was ever fitted
└── RangeInUseError            409  another model answers for these ages
"""

from deepmed.kit.errors import DeepMedError


class ModelDeploymentError(DeepMedError):
    """The model was not put into use; nothing was changed."""

    code = "model_deployment"
    status = 400


class ModelExportError(ModelDeploymentError):
    """The model was not exported; nothing was stored."""

    code = "model_export"


class ModelValidationError(ModelDeploymentError):
    """The check of the exported model found something wrong; it was not put into use."""

    code = "model_validation"


class ModelCompatibilityError(ModelDeploymentError):
    """The model does not fit this installation; nothing was changed."""

    code = "model_compatibility"


class NoFittedWeightsError(ModelDeploymentError):
    """The package holds no fitted weights: no model exists without; nothing was changed."""

    code = "no_fitted_weights"
    status = 409


class RangeInUseError(ModelDeploymentError):
    """Another model is in use for these ages; nothing was changed."""

    code = "range_in_use"
    status = 409
