"""Experiments: a ZIP comes in, and a training begins as soon as a worker is free (contract 1.2)."""

from typing import Annotated, Literal

from fastapi import APIRouter, File, Form, Path, Query, UploadFile

from deepmed.features.xray.answers import experiments as answers
from deepmed.features.xray.answers.config import CSV_FILENAME
from deepmed.features.xray.pages.desk import CallersRuns
from deepmed.features.xray.schemas.experiments import (
    CentralizedStarted,
    ComparisonStarted,
    ExperimentList,
    ExperimentStatus,
    FederatedStarted,
)
from deepmed.features.xray.schemas.fields import Anything, FileName, Name

router = APIRouter(prefix="/experiments", tags=["xray"])

Archive = Annotated[
    UploadFile,
    File(description="A ZIP: images with a table of labels, or one folder of images a class"),
]
ExperimentId = Annotated[
    str, Path(description="`run_7`, `7`, or the exact name: then the newest of that name")
]
Title = Annotated[Name, Form(description="What the run is called")]
TableName = Annotated[
    FileName, Form(description="Name of the table; any with its columns is taken where it is not")
]
Level = Annotated[int | None, Form(ge=1, le=5, description="How much effort: 1 least, 5 most")]
Configuration = Annotated[
    str | None,
    Form(
        max_length=100_000,
        description="Settings that differ from the caller's defaults, as a JSON object of sections",
    ),
]
Foreign = Annotated[
    Anything | None, Form(description="Taken, and not used: requests name no place here")
]


@router.post("/centralized", status_code=202)
@router.post("/centralized/train", status_code=202)
def train(  # noqa: PLR0917 - the fields of the contract's form
    runs: CallersRuns,
    data_zip: Archive,
    checkpoint_dir: Foreign = None,
    logs_dir: Foreign = None,
    experiment_name: Title = "pneumonia_centralized",
    csv_filename: TableName = CSV_FILENAME,
    level: Level = None,
    configuration: Configuration = None,
) -> CentralizedStarted:
    """Train on all images of a ZIP, in the background."""
    asked = answers.Asked(data_zip, csv_filename, level, configuration)
    places = {"checkpoint_dir": checkpoint_dir, "logs_dir": logs_dir}
    return answers.start_centralized(runs, asked, experiment_name, places)


@router.post("/federated", status_code=202)
@router.post("/federated/train", status_code=202)
def train_federated(  # noqa: PLR0917 - likewise
    runs: CallersRuns,
    data_zip: Archive,
    experiment_name: Title = "pneumonia_federated",
    csv_filename: TableName = CSV_FILENAME,
    num_server_rounds: Annotated[
        int | None, Form(ge=1, le=10_000, description="Rounds; those of the settings when unset")
    ] = None,
    level: Level = None,
    configuration: Configuration = None,
) -> FederatedStarted:
    """Train over several holders of images, between whom the patients of a ZIP are dealt."""
    asked = answers.Asked(data_zip, csv_filename, level, configuration)
    return answers.start_federated(runs, asked, experiment_name, num_server_rounds)


@router.post("/comparison/run", status_code=202)
def compare(  # noqa: PLR0917 - likewise
    runs: CallersRuns,
    data_zip: Archive,
    partition_strategy: Annotated[
        Literal["stratified", "random", "iid", "non-iid"],
        Form(description="How patients are dealt to clients; non-iid deals them unevenly"),
    ] = "stratified",
    base_output_dir: Foreign = None,
    centralized_name: Title = "centralized_comparison",
    federated_name: Title = "federated_comparison",
    csv_filename: TableName = CSV_FILENAME,
    level: Level = None,
    configuration: Configuration = None,
) -> ComparisonStarted:
    """Train both on the same ZIP, with the same test patients."""
    asked = answers.Asked(data_zip, csv_filename, level, configuration)
    names = (centralized_name, federated_name)
    places = {"base_output_dir": base_output_dir}
    return answers.compare(runs, asked, names, partition_strategy, places)


@router.get("/status/{experiment_id}")
def status(runs: CallersRuns, experiment_id: ExperimentId) -> ExperimentStatus:
    """How far an experiment is."""
    return answers.status(runs, experiment_id)


@router.get("/list")
def experiments(
    runs: CallersRuns,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    offset: Annotated[
        int, Query(ge=0, le=2**31 - 1, description="How many of them to pass over")
    ] = 0,
) -> ExperimentList:
    """The newest first."""
    return answers.listed(runs, limit, offset)
