"""What months of use leave in a data folder beside drawings and answers.

Each thing is made by the product itself. Of what there are hundreds of or thousands, most rows are
like those that it wrote, under ids of their own and at earlier times.
"""

import shutil
from collections.abc import Mapping, Sequence
from datetime import timedelta
from itertools import cycle, islice
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import func, inspect, select
from sqlalchemy.orm import Session

from deepmed.app.bench.worker import Worker
from deepmed.core.backups.names import name_of
from deepmed.core.backups.service import BackupService
from deepmed.core.home import Home
from deepmed.core.jobs.tables import Job, JobEvent
from deepmed.features.drawings.annotations.kinds import AnnotationType, Note
from deepmed.features.drawings.annotations.service import AnnotationService
from deepmed.features.drawings.deployment.exporter import ModelExporter
from deepmed.features.drawings.explanation.service import ExplanationService
from deepmed.features.drawings.tables import (
    AgeGroupModel,
    AnalysisBatch,
    AnomalyAnalysis,
    Drawing,
    ImportRun,
    TrainingJob,
    TrainingReport,
)
from deepmed.features.drawings.training.config.models import TrainingConfig
from deepmed.features.drawings.training.datasets import Dataset
from deepmed.features.drawings.training.environment import LocalTrainingEnvironment
from deepmed.features.drawings.workbench import Workbench
from deepmed.kit.database import Base
from deepmed.kit.ids import new_uid
from deepmed.kit.seeds import generator

BATCHES, IN_A_BATCH = 20, 50
EXPLAINED, NOTED, NOTES = 2, 30, 10
JOBS, TRAININGS, IMPORTS, BACKUPS = 4000, 300, 200, 40
ALL_BATCHES = 300
CANDIDATE = {"groups": [{"age_min": 6, "age_max": 9}], "use": "candidate", "detector": "pca"}
"""A model beside those in use, as somebody tries one out."""
Row = TypeVar("Row", bound=Base)


def begin(home: Home, worker: Worker, folder: Path, table: str, seed: int) -> None:
    """What is done best while there are few drawings."""
    _trainings(home, worker, Dataset(str(folder), table, by_path=True))
    _try_out(worker, seed)
    worker.do("backups.create", {"kind": "database"})
    _earlier_backups(BackupService.of(home))


def leave(home: Home, worker: Worker, seed: int) -> dict[str, list[object]]:
    """Everything else; what of it can be asked for, by the names of places in addresses."""
    bench = Workbench.of(home)
    drawings = _drawings(bench)
    batches = _batches(worker, drawings, seed)
    models = _exports(bench)
    analyses = _notes(home, _explanations(bench))
    _more(home)
    return {
        "drawing_id": [*drawings],
        "batch_id": [*batches],
        "analysis_id": [*analyses],
        "model_id": [*models],
        "child_id": [*_column(home, Drawing.child_id, Drawing.child_id)],
        "training_job_id": [*_column(home, TrainingReport.training_job_id, TrainingReport.id)],
    }


def _try_out(worker: Worker, seed: int) -> None:
    """Another encoder, and a model beside those in use."""
    worker.do("drawings.compare_encoders", {"encoders": ["scattering"], "seed": seed})
    worker.do("drawings.train", CANDIDATE | {"seed": seed})


def _trainings(home: Home, worker: Worker, dataset: Dataset) -> None:
    """One that is finished, and one that was taken back before it began."""
    environment = LocalTrainingEnvironment(home, worker.ledger)
    config = TrainingConfig(job_name="samples", epochs=5)
    for name in ("samples", "taken back"):
        number = environment.start_training_job(
            config.model_copy(update={"job_name": name}), dataset
        )
        _, job = environment.get_job(number)
        if name == "samples":
            worker.finish(job)
        else:
            environment.cancel_training_job(number)


def _earlier_backups(service: BackupService) -> None:
    (made,) = service.list()
    for days in range(1, BACKUPS):
        moment = made.created - timedelta(days=days)
        name = name_of(made.kind, moment, sealed=made.encrypted)
        shutil.copy2(made.path, made.path.with_name(name))


def _drawings(bench: Workbench) -> list[int]:
    """Those that have a rank."""
    query = select(AnomalyAnalysis.drawing_id).where(
        AnomalyAnalysis.current_of.is_not(None), AnomalyAnalysis.normalized_score.is_not(None)
    )
    with bench.database.read() as session:
        return list(session.scalars(query.order_by(AnomalyAnalysis.drawing_id)))


def _batches(worker: Worker, drawings: Sequence[int], seed: int) -> list[str]:
    """Some drawings at once, as a client asks for them; their ids."""
    random = generator(seed, "bench", "batches")
    uids = []
    for _ in range(BATCHES):
        some = random.choice(drawings, size=min(IN_A_BATCH, len(drawings)), replace=False)
        done = worker.do("drawings.analyze", {"drawing_ids": sorted(some.tolist())})
        uids.append(str((done.result or {})["batch_id"]))
    return uids


def _exports(bench: Workbench) -> list[int]:
    """Every model of an age group leaves; their ids."""
    with bench.database.read() as session:
        query = select(AgeGroupModel).where(AgeGroupModel.kind != "pooled")
        models = list(session.scalars(query.order_by(AgeGroupModel.id)))
    exporter = ModelExporter(bench)
    for row in models:
        exporter.export_model_direct(row.id)
    return [row.id for row in models if row.is_active]


def _explanations(bench: Workbench) -> list[AnomalyAnalysis]:
    """The newest answers of the most unusual drawings, some of them with an explanation."""
    query = select(AnomalyAnalysis).where(
        AnomalyAnalysis.current_of.is_not(None), AnomalyAnalysis.normalized_score.is_not(None)
    )
    with bench.database.read() as session:
        order = (AnomalyAnalysis.normalized_score.desc(), AnomalyAnalysis.id)
        rows = list(session.scalars(query.order_by(*order).limit(NOTED)))
    service = ExplanationService(bench)
    for row in rows[:EXPLAINED]:
        service.explain_analysis(row)
    return rows


def _notes(home: Home, rows: Sequence[AnomalyAnalysis]) -> list[int]:
    """Notes to answers, each mended once; the answers' ids."""
    notes = AnnotationService(home.database, home.owner_id, "bench")
    for row in rows:
        for number, kind in zip(range(NOTES), cycle(AnnotationType)):
            made = notes.annotate(row.id, Note("drawing", f"Seen {number} times", kind))
            notes.edit(row.id, made.uid, {"text": f"Seen {number + 1} times"})
    return [row.id for row in rows]


def _more(home: Home) -> None:
    """Further rows of work that was done."""
    with home.database.write() as session:
        _multiply(session, _all(session, ImportRun), IMPORTS)
        batches = [row for row in _all(session, AnalysisBatch) if row.total <= IN_A_BATCH]
        _multiply(session, batches, ALL_BATCHES)
        trainings, reports = _all(session, TrainingJob), _all(session, TrainingReport)
        ledger = _Ledger(session)
        own = [ledger.jobs[row.job_id] for row in trainings]
        others = [job for job in ledger.jobs.values() if job not in own]
        lines = ledger.like(list(islice(cycle(own), TRAININGS)))
        models = islice(cycle(trainings), TRAININGS)
        more = _add(
            session, [_like(row, job_id=job.id) for row, job in zip(models, lines, strict=True)]
        )
        _reports(session, trainings, more, reports)
        ledger.like(list(islice(cycle(others), JOBS)))


def _reports(
    session: Session,
    trainings: Sequence[TrainingJob],
    more: Sequence[TrainingJob],
    reports: Sequence[TrainingReport],
) -> None:
    of = {report.training_job_id: report for report in reports}
    pairs = zip(cycle(trainings), more, strict=False)
    _add(
        session,
        [_like(of[old.id], training_job_id=new.id) for old, new in pairs if old.id in of],
    )


class _Ledger:
    """The jobs that were done, and what happened to each."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self.jobs = {job.id: job for job in _all(session, Job)}
        self._events: dict[int, list[JobEvent]] = {}
        for event in _all(session, JobEvent):
            self._events.setdefault(event.job_id, []).append(event)

    def like(self, models: Sequence[Job]) -> list[Job]:
        """Jobs like these, with the same events."""
        rows = [_like(job, uid=new_uid(), idempotency_key=None) for job in models]
        _add(self._session, rows)
        pairs = zip(models, rows, strict=True)
        events = [(event, row) for job, row in pairs for event in self._events.get(job.id, ())]
        _add(self._session, [_like(event, job_id=row.id) for event, row in events])
        return rows


def _multiply(session: Session, known: Sequence[Row], count: int) -> None:
    _add(session, [_like(row, uid=new_uid()) for row in islice(cycle(known), count)])


def _all(session: Session, table: type[Row]) -> list[Row]:
    return list(session.scalars(select(table).order_by(table.__table__.c.id)))


def _add(session: Session, rows: list[Row]) -> list[Row]:
    session.add_all(rows)
    session.flush()
    return rows


def _like(row: Row, **own: Any) -> Row:
    """A row with the same values but these, and an id that the database gives it."""
    columns = [each.key for each in inspect(type(row)).column_attrs if each.key != "id"]
    values: Mapping[str, Any] = {name: getattr(row, name) for name in columns}
    return type(row)(**{**values, **own})


def _column(home: Home, column: Any, order: Any) -> list[object]:
    with home.database.read() as session:
        return list(
            session.scalars(select(column).group_by(column).order_by(func.min(order)).limit(1000))
        )
