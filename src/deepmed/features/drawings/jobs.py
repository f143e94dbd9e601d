"""The long work on drawings, as a worker runs it; heavy imports wait until it does."""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator
from sqlalchemy.orm import Session

from deepmed.core.home import Home
from deepmed.core.jobs.context import JobContext
from deepmed.core.jobs.kinds import Isolation, JobKind
from deepmed.core.jobs.tables import Job
from deepmed.features.drawings.encoders.jobs import KINDS as ENCODER_KINDS
from deepmed.features.drawings.explanation.jobs import KINDS as MAP_KINDS
from deepmed.features.drawings.schemas.fields import (
    LARGEST_SEED,
    LayoutName,
    ListedId,
    Number,
)
from deepmed.features.drawings.training.jobs import KINDS as TRAINING_KINDS

if TYPE_CHECKING:
    from deepmed.features.drawings.models.ranges import AgeRange

TRAINING_QUEUE = "drawings.training"
"""Trainings lend each other drawings, so one runs after the other."""


class Payload(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


UID = "^[0-9a-f]{32}$"


class ImportPayload(Payload):
    """A staged upload."""

    upload_id: str = Field(pattern=UID)
    files: int = Field(ge=1)
    name_pattern: str | None = Field(None, max_length=500)


class Group(Payload):
    age_min: Number
    age_max: Number
    upper_closed: bool = False

    @model_validator(mode="after")
    def _is_a_range(self) -> Self:
        from deepmed.kit.errors import ValidationError

        try:
            self.to_range()
        except ValidationError as error:
            raise ValueError(error.message) from error
        return self

    def to_range(self) -> "AgeRange":
        from deepmed.features.drawings.models.ranges import AgeRange

        return AgeRange(self.age_min, self.age_max, self.upper_closed)


class TrainPayload(Payload):
    groups: list[Group] = Field(min_length=1)
    use: Literal["refuse", "candidate", "replace"] = "refuse"
    detector: str = Field("auto", max_length=40)
    layout: LayoutName = "visual+age"
    seed: int = Field(0, ge=0, le=LARGEST_SEED)


class AnalyzePayload(Payload):
    drawing_ids: list[ListedId] | None = None
    """Null: all drawings."""
    batch: str | None = Field(None, pattern=UID)
    """Id of the batch under which its progress is told."""


class ReportPayload(Payload):
    title: str = Field("Children's drawings", max_length=200)


def import_drawings(home: Home, job: JobContext) -> dict[str, Any]:
    from deepmed.features.drawings.importing.importer import DrawingImporter
    from deepmed.features.drawings.importing.received import source_of
    from deepmed.features.drawings.importing.staging import Staging

    wanted = ImportPayload.model_validate(job.payload)
    staging = Staging(home.storage, wanted.upload_id)
    importer = DrawingImporter(home.database, home.storage, home.settings, home.owner_id)
    report = importer.progress.report(wanted.upload_id)
    if report is None:  # else it was killed after its last step
        with TemporaryDirectory() as name:
            folder = Path(name) / "upload"
            names = staging.fetch(folder)
            path, table = source_of(folder, names)
            report = importer.import_source(
                path,
                metadata=table,
                name_pattern=wanted.name_pattern,
                dataset_name=f"upload {wanted.upload_id[:8]}",
                run=wanted.upload_id,
                progress=job.steps("Importing drawings"),
            ).to_record()
    staging.discard()
    return {"upload_id": wanted.upload_id, **report}


def train_groups(home: Home, job: JobContext) -> dict[str, Any]:
    from deepmed.features.drawings.models.config import GroupTrainingConfig
    from deepmed.features.drawings.models.tracker import ModelTrainingTracker
    from deepmed.features.drawings.models.training import GroupTraining, Use
    from deepmed.features.drawings.models.watching import TrainingWatch
    from deepmed.features.drawings.workbench import Workbench
    from deepmed.learning.reference import Layout

    wanted = TrainPayload.model_validate(job.payload)
    bench = Workbench.of(home)
    bench.pipeline.process_batch(job.steps("Embedding drawings"))
    config = GroupTrainingConfig(
        detector=wanted.detector, layout=Layout(wanted.layout), seed=wanted.seed
    )
    run = GroupTraining(bench, config).train(
        [group.to_range() for group in wanted.groups],
        Use(wanted.use),
        partial(ModelTrainingTracker.update_training, job),
        TrainingWatch(_tell(job), job.folder),
    )
    return run.to_dict()


def analyze_drawings(home: Home, job: JobContext) -> dict[str, Any]:
    from deepmed.features.drawings.analysis.service import AnalysisService
    from deepmed.features.drawings.workbench import Workbench

    wanted = AnalyzePayload.model_validate(job.payload)
    bench = Workbench.of(home)
    bench.pipeline.process_batch(job.steps("Embedding drawings"))
    made = AnalysisService(bench).analyze(
        wanted.drawing_ids,
        job.steps("Analysing drawings"),
        batch=wanted.batch,
    )
    return {
        "batch_id": made.uid,
        "analysed": len(made.analyses),
        "computed": made.computed,
        "flagged": sum(row.is_anomaly for row in made.analyses),
        "outlook": made.outlook,
    }


def write_report(home: Home, job: JobContext) -> dict[str, Any]:
    from deepmed.features.drawings.report.gathering import ReportGatherer
    from deepmed.features.drawings.report.rendering import render
    from deepmed.features.drawings.workbench import Workbench

    wanted = ReportPayload.model_validate(job.payload)
    gatherer = ReportGatherer(Workbench.of(home))
    content = gatherer.gather(wanted.title, job.steps("Writing the report"))
    key = f"reports/{home.storage.generate_unique_filename('.html')}"
    home.storage.put(key, render(content).encode())
    return {"report": key, "flagged": len(content.flagged), "drawings": len(content.gallery)}


def _tell(job: JobContext) -> Callable[[str, Mapping[str, Any]], None]:
    def tell(kind: str, data: Mapping[str, Any]) -> None:
        job.raise_if_cancelled()
        job.event(kind, data)

    return tell


def _rests_on_deleted(session: Session, job: Job) -> bool:
    from deepmed.features.drawings.models.checkpoints import rest_on_deleted

    return rest_on_deleted(session, job)


def _groups_title(payload: BaseModel) -> str:
    wanted = TrainPayload.model_validate(payload)
    ages = ", ".join(f"{group.age_min:g}-{group.age_max:g}" for group in wanted.groups)
    return f"Train models for ages {ages}"


KINDS = (
    JobKind(
        name="drawings.import",
        run=import_drawings,
        payload=ImportPayload,
        isolation=Isolation.PROCESS,
        title=lambda payload: f"Import {ImportPayload.model_validate(payload).files} files",
    ),
    JobKind(
        name="drawings.train",
        run=train_groups,
        payload=TrainPayload,
        isolation=Isolation.PROCESS,
        queue=TRAINING_QUEUE,
        at_once=1,
        title=_groups_title,
        outdated=_rests_on_deleted,
    ),
    JobKind(
        name="drawings.analyze",
        run=analyze_drawings,
        payload=AnalyzePayload,
        isolation=Isolation.PROCESS,
        title=lambda _: "Analyse drawings",
    ),
    JobKind(
        name="drawings.report",
        run=write_report,
        payload=ReportPayload,
        isolation=Isolation.PROCESS,
        title=lambda _: "Write the report",
    ),
    *TRAINING_KINDS,
    *ENCODER_KINDS,
    *MAP_KINDS,
)
