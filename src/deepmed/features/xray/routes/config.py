"""How an owner's trainings are set up unless told otherwise (contract 1.1)."""

from fastapi import APIRouter

from deepmed.features.xray.answers import config as answers
from deepmed.features.xray.pages.desk import CallersRuns
from deepmed.features.xray.schemas.config import ConfigUpdate, ConfigUpdated, CurrentConfig

router = APIRouter(prefix="/config", tags=["xray"])


@router.get("/current")
def current(runs: CallersRuns) -> CurrentConfig:
    """Every setting as it counts for the caller's next training."""
    return answers.current(runs.home)


@router.post("/update")
def update(runs: CallersRuns, request: ConfigUpdate) -> ConfigUpdated:
    """Set defaults of the caller's trainings; those that run keep what they began with."""
    return answers.update(runs.home, request)
