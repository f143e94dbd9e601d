"""Configuration: thresholds, grouping, subjects, reset (contract 2.6)."""

from typing import Annotated

from fastapi import APIRouter, Query

from deepmed.features.drawings import answers
from deepmed.features.drawings.desk import CallersDesk
from deepmed.features.drawings.schemas.config import (
    ConfigurationStatistics,
    ConfigurationUpdateRequest,
    HealthCheckResponse,
    SuccessResponse,
    SystemConfigurationResponse,
    ThresholdPreview,
)
from deepmed.features.drawings.schemas.fields import Number, Text
from deepmed.features.drawings.schemas.models import ThresholdUpdateRequest
from deepmed.features.drawings.schemas.subjects import (
    AllSubjectsStatistics,
    SubjectAwareModels,
    SubjectsByAge,
    SubjectsResponse,
    SubjectStatistics,
)
from deepmed.kit.errors import ValidationError

router = APIRouter(prefix="/config", tags=["config"])

DEFAULT_PERCENTILE = 95.0
Percentile = Annotated[Number | None, Query(ge=50, le=99.9)]


@router.get("/")
def get_configuration(desk: CallersDesk) -> SystemConfigurationResponse:
    return answers.config.configuration(desk)


@router.put("/")
def update_configuration(desk: CallersDesk, request: ConfigurationUpdateRequest) -> SuccessResponse:
    return answers.config.update(desk, request)


@router.get("/threshold/preview")
def preview_threshold(
    desk: CallersDesk, percentile: Annotated[Number, Query(ge=50, le=99.9)]
) -> ThresholdPreview:
    """What a percentile would do to each model and to the drawings analysed so far."""
    with desk.bench.database.read() as session:
        return ThresholdPreview(effects=desk.thresholds.preview(session, percentile))


@router.put("/threshold")
def update_threshold(
    desk: CallersDesk,
    percentile: Percentile = None,
    request: ThresholdUpdateRequest | None = None,
) -> SuccessResponse:
    """Flag from another percentile, given in the query or in the body; nothing is retrained."""
    if percentile is None and request is not None:
        percentile = request.percentile
    return answers.config.set_percentile(
        desk, DEFAULT_PERCENTILE if percentile is None else percentile
    )


@router.put("/age-grouping")
def update_grouping(desk: CallersDesk, request: ConfigurationUpdateRequest) -> SuccessResponse:
    """How age groups are suggested: their least number of drawings and their greatest width."""
    return answers.config.update(desk, request)


@router.get("/health")
def configuration_health(desk: CallersDesk) -> HealthCheckResponse:
    return answers.config.health(desk)


@router.get("/stats")
def configuration_statistics(desk: CallersDesk) -> ConfigurationStatistics:
    return answers.config.statistics(desk)


@router.get("/subjects")
def list_subjects(desk: CallersDesk) -> SubjectsResponse:
    return answers.subjects.subjects(desk)


@router.get("/subjects/statistics")
def subject_statistics(
    desk: CallersDesk, subject: Text | None = None
) -> SubjectStatistics | AllSubjectsStatistics:
    """Of one subject, or of all."""
    return answers.subjects.statistics(desk, subject)


@router.get("/subject-statistics")
def subjects_by_age(desk: CallersDesk) -> SubjectsByAge:
    """Drawings of each subject by year of age, as the contract's page shows them."""
    return answers.subjects.by_age(desk)


@router.get("/models/subject-aware")
def subject_aware_models(desk: CallersDesk) -> SubjectAwareModels:
    return answers.subject_aware.models(desk)


@router.post("/reset")
def reset(desk: CallersDesk, *, confirm: bool = False) -> SuccessResponse:
    """Take all models out of use; drawings, embeddings and analyses are kept."""
    if not confirm:
        raise ValidationError(
            "This takes all models out of use; nothing was changed. Add confirm=true to do it."
        )
    return answers.config.reset(desk)
