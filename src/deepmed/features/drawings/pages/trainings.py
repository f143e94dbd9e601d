"""Addresses of the pages of trainings on folders: begin one, look on, compare settings."""

from typing import Annotated, Any

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field
from starlette.responses import HTMLResponse

from deepmed.core.jobs.dependencies import Ledger
from deepmed.features.drawings.desk import CallersDesk
from deepmed.features.drawings.pages import content
from deepmed.features.drawings.schemas.fields import Text, Uid
from deepmed.features.drawings.training import asking
from deepmed.web.shell import Entry, page

PACKAGE = "deepmed.features.drawings"
ENTRY = Entry("Trainings", "/trainings", "Research")
KINDS = ("drawings.training.local", "drawings.training.sagemaker")
JOB_PAGES = {
    **dict.fromkeys(KINDS, "/trainings/{uid}"),
    "drawings.training.sweep": "/trainings/sweeps/{uid}",
}

router = APIRouter(include_in_schema=False)

Name = Annotated[str, Field(min_length=1, max_length=200)]
Value = str | int | float | bool


class SettingsWanted(BaseModel):
    """A folder with its table, and packaged choices by their group."""

    job_name: Name
    folder: Annotated[str, Field(max_length=1000, description="FOLDER/TABLE")]
    choices: dict[Text, Text] = Field(default_factory=dict, max_length=20)


class TrainingWanted(SettingsWanted):
    values: dict[Text, Value] = Field(default_factory=dict, max_length=50)
    """What is another than the choices bring, by its place."""


class SweepWanted(SettingsWanted):
    tried: Annotated[str, Field(max_length=5000)]
    """A line a setting, as `optimizer=adam,sgd`."""


class Begun(BaseModel):
    uid: str


@router.get("/trainings")
def trainings(request: Request, desk: CallersDesk, ledger: Ledger) -> HTMLResponse:
    return page(request, PACKAGE, "trainings.html", content.trainings.listed(desk, ledger))


@router.post("/trainings", status_code=202)
def train(desk: CallersDesk, ledger: Ledger, wanted: TrainingWanted) -> Begun:
    """Train with any value of the typed configuration; the contract's route knows fewer."""
    config = asking.configuration(
        desk.home.settings, wanted.job_name, wanted.choices, wanted.values
    )
    return Begun(uid=asking.begin(desk.home, ledger, config, wanted.folder).uid)


@router.post("/trainings/sweeps", status_code=202)
def compare(desk: CallersDesk, ledger: Ledger, wanted: SweepWanted) -> Begun:
    """Compare settings; the drawings that test stay unseen."""
    config = asking.configuration(desk.home.settings, wanted.job_name, wanted.choices, {})
    lines = [line.strip() for line in wanted.tried.splitlines() if line.strip()]
    return Begun(uid=asking.compare(desk.home, ledger, config, lines, wanted.folder).uid)


@router.get("/trainings/sweeps/{uid}")
def sweep(request: Request, desk: CallersDesk, ledger: Ledger, uid: Uid) -> HTMLResponse:
    return _shown(request, "sweep.html", content.trainings.sweep(desk, ledger, uid))


@router.get("/trainings/sweeps/{uid}/part")
def sweep_part(request: Request, desk: CallersDesk, ledger: Ledger, uid: Uid) -> HTMLResponse:
    """The comparison alone, to be put in place of an older picture of it."""
    return _shown(request, "sweep_part.html", content.trainings.sweep(desk, ledger, uid))


@router.post("/trainings/sweeps/{uid}/train/{number}", status_code=202)
def train_as(desk: CallersDesk, ledger: Ledger, uid: Uid, number: int) -> Begun:
    """Train with the settings of one trial, and open the part that tests."""
    job = content.trainings.sweep_job(desk, ledger, uid)
    return Begun(uid=asking.begin_as(desk.home, ledger, job, number).uid)


@router.get("/trainings/{uid}")
def training(request: Request, desk: CallersDesk, ledger: Ledger, uid: Uid) -> HTMLResponse:
    return _shown(request, "run.html", content.trainings.one(desk, ledger, uid))


@router.get("/trainings/{uid}/part")
def training_part(request: Request, desk: CallersDesk, ledger: Ledger, uid: Uid) -> HTMLResponse:
    """The training alone, to be put in place of an older picture of it."""
    return _shown(request, "run_part.html", content.trainings.one(desk, ledger, uid))


def _shown(request: Request, template: str, found: dict[str, Any]) -> HTMLResponse:
    return page(request, PACKAGE, template, found)
