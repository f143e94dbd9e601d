"""What may be asked for of models that leave and come."""

import pytest
from pydantic import ValidationError as SchemaError

from deepmed.features.drawings.schemas.deployment import (
    EnhancedModelDeploymentRequest,
    ModelDeploymentRequest,
    ModelExportRequest,
)
from deepmed.kit.errors import ValidationError

WRONG = [(6, 6), (9, 6), (1, 6), (6, 19), (float("-inf"), 6)]


@pytest.mark.parametrize(("low", "high"), WRONG)
def test_ages_of_a_deployment_rise_within_bounds(low: float, high: float) -> None:
    ages = {"age_group_min": low, "age_group_max": high}
    with pytest.raises(SchemaError):
        ModelDeploymentRequest(model_parameters_path="x", **ages)
    with pytest.raises((ValidationError, SchemaError)):
        EnhancedModelDeploymentRequest(model_export_path="x", **ages)
    with pytest.raises((ValidationError, SchemaError)):
        ModelExportRequest(training_job_id=1, **ages)


def test_of_a_model_the_ages_need_not_be_said() -> None:
    assert ModelExportRequest(model_id=3).ages == (None, None)
    assert ModelExportRequest(model_id=3, age_group_min=3, age_group_max=6).ages == (3, 6)
    with pytest.raises(ValidationError):
        ModelExportRequest(training_job_id=3)
    with pytest.raises(ValidationError):
        ModelExportRequest(model_id=3, age_group_min=3)
