"""Models of age groups: train, look, set thresholds, take out of use (contract 2.4)."""

from typing import Annotated

from fastapi import APIRouter, Query

from deepmed.core.jobs.dependencies import Ledger
from deepmed.features.drawings import answers
from deepmed.features.drawings.desk import CallersDesk
from deepmed.features.drawings.schemas.fields import Number, ObjectId, Text, Uid
from deepmed.features.drawings.schemas.models import (
    CreationAccepted,
    CreationStatus,
    Deactivated,
    GroupSufficiency,
    Merged,
    MergeRequest,
    ModelListResponse,
    ModelsInUse,
    ModelStatusResponse,
    ModelTrainingRequest,
    SufficiencyAnalysis,
    SufficiencyWarnings,
    ThresholdUpdated,
    ThresholdUpdateRequest,
    TrainingAccepted,
    TrainingStatus,
)

router = APIRouter(prefix="/models", tags=["models"])


@router.get("/age-groups")
def list_models(
    desk: CallersDesk, ledger: Ledger, *, active_only: bool = True
) -> ModelListResponse:
    return answers.models.listed(desk, ledger, active_only=active_only)


@router.post("/train")
def train_model(
    desk: CallersDesk, ledger: Ledger, request: ModelTrainingRequest
) -> TrainingAccepted:
    """Learn what is typical of an age group, in the background."""
    return answers.models.train(desk, ledger, request)


@router.get("/training/{job_id}/status")
def training_status(ledger: Ledger, job_id: Uid) -> TrainingStatus:
    return answers.models.training_status(ledger, job_id)


@router.put("/{model_id}/threshold")
def update_threshold(
    desk: CallersDesk, model_id: ObjectId, request: ThresholdUpdateRequest
) -> ThresholdUpdated:
    """Give one model its own percentile, or a threshold set by hand. Nothing is retrained."""
    return answers.models.set_threshold(desk, model_id, request)


@router.get("/status")
def model_status(desk: CallersDesk, ledger: Ledger) -> ModelStatusResponse:
    return answers.models.status(desk, ledger)


@router.post("/auto-create")
def auto_create(
    desk: CallersDesk, ledger: Ledger, *, force_recreate: bool = False
) -> ModelsInUse | CreationAccepted:
    """Train the groups that the ages at hand suggest."""
    return answers.models.auto_create(desk, ledger, force=force_recreate)


@router.get("/creation/{job_id}/status")
def creation_status(ledger: Ledger, job_id: Uid) -> CreationStatus:
    found = answers.models.training_status(ledger, job_id)
    return CreationStatus(job_id=job_id, status=found.status, message=found.message)


@router.delete("/{model_id}")
def deactivate_model(desk: CallersDesk, model_id: ObjectId) -> Deactivated:
    """Take a model out of use; it is kept."""
    return answers.models.deactivate(desk, model_id)


@router.get("/data-sufficiency/analyze")
def analyze_sufficiency(
    desk: CallersDesk,
    age_groups: Annotated[str | None, Query(max_length=400, examples=["3-6,6-9"])] = None,
) -> SufficiencyAnalysis:
    """What the drawings at hand allow to train, by age group."""
    return answers.sufficiency.analysis(desk, age_groups)


@router.get("/data-sufficiency/age-group/{age_min}/{age_max}")
def analyze_group(desk: CallersDesk, age_min: Number, age_max: Number) -> GroupSufficiency:
    return answers.sufficiency.of_group(desk, age_min, age_max)


@router.post("/data-sufficiency/merge-age-groups")
def merge_groups(desk: CallersDesk, request: MergeRequest) -> Merged:
    """Use a trained candidate of the merged range instead of the groups' own models."""
    return answers.models.merge(desk, request)


@router.get("/data-sufficiency/warnings")
def sufficiency_warnings(desk: CallersDesk, severity: Text | None = None) -> SufficiencyWarnings:
    return answers.sufficiency.warnings(desk, severity)
