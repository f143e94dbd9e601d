"""Trainings on folders, and comparisons of settings: how they stand and what they came to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from deepmed.core.jobs.history import told
from deepmed.core.jobs.ledger import JobLedger
from deepmed.core.jobs.pages import Shown
from deepmed.core.jobs.tables import Job, JobEvent
from deepmed.features.drawings import answers
from deepmed.features.drawings.desk import Desk
from deepmed.features.drawings.pages.charts import Losses, loss_curves
from deepmed.features.drawings.pages.content.training import fits
from deepmed.features.drawings.pages.content.training_form import form
from deepmed.features.drawings.report.charts import intervals
from deepmed.features.drawings.report.groups import bar
from deepmed.features.drawings.schemas.deployment import ExportedModelInfo
from deepmed.features.drawings.tables import TrainingJob, TrainingReport
from deepmed.features.drawings.training import repository
from deepmed.features.drawings.training.environment import KINDS, LocalTrainingEnvironment
from deepmed.features.drawings.training.reports import charts as report_charts
from deepmed.features.drawings.training.reports import content as report_content
from deepmed.features.drawings.training.reports.download import document_of
from deepmed.features.drawings.training.sweep_job import SWEEP
from deepmed.kit.errors import DeepMedError, NotFoundError
from deepmed.web.charts import Chart

SHOWN, SHOWN_SWEEPS = 50, 10
FORMS = {"pytorch": "safetensors with JSON", "onnx": "ONNX", "pt2": "torch.export (.pt2)"}
REPORTS = "/api/v1/training/jobs"


def listed(desk: Desk, ledger: JobLedger) -> dict[str, Any]:
    lines = LocalTrainingEnvironment(desk.home, ledger).list_training_jobs(limit=SHOWN)
    with desk.home.database.read() as session:
        sweeps = ledger.list(session, kind=SWEEP, limit=SHOWN_SWEEPS)
    return {
        "trainings": [(Shown(job, None), training) for training, job in lines],
        "sweeps": [Shown(job, None) for job in sweeps],
        **form(desk.home.settings),
    }


@dataclass(frozen=True)
class Outcome:
    """What a finished training came to, or why its report cannot be read."""

    row: TrainingReport
    figures: Sequence[Any] = ()
    notes: Sequence[str] = ()
    advice: Sequence[str] = ()
    charts: Sequence[Chart] = ()
    tables: Sequence[Any] = ()
    ages: tuple[float, float] | None = None
    problem: str | None = None

    @property
    def downloads(self) -> Mapping[str, str]:
        place = f"{REPORTS}/{self.row.training_job_id}/reports/{self.row.id}"
        return {form: f"{place}/{form}" for form in ("html", "pdf", "json", "csv")}


@dataclass(frozen=True)
class Exported:
    """An export of this training's model, and the model in use that came from it."""

    info: ExportedModelInfo
    words: str
    in_use: int | None


def one(desk: Desk, ledger: JobLedger, uid: str) -> dict[str, Any]:
    """Raises NotFoundError."""
    with desk.home.database.read() as session:
        job = _job(ledger, session, uid, KINDS.values())
        training = repository.by_ledger(session, job.id)
        row = repository.report_of(session, training.id)
        events = told(session, job, ("epochs",)) if row is None else ()
    return {
        "shown": Shown(job, None),
        "training": training,
        "settings": list(_settings(training)),
        "curve": _curve(events),
        "outcome": None if row is None else _outcome(desk, row),
        "exports": [] if row is None else _exports(desk, training),
        "forms": FORMS,
    }


def sweep(desk: Desk, ledger: JobLedger, uid: str) -> dict[str, Any]:
    """Raises NotFoundError."""
    job = sweep_job(desk, ledger, uid)
    trials = (job.result or {}).get("trials", [])
    return {"shown": Shown(job, None), "trials": trials, "chart": _compared(trials)}


def sweep_job(desk: Desk, ledger: JobLedger, uid: str) -> Job:
    with desk.home.database.read() as session:
        return _job(ledger, session, uid, [SWEEP])


def _job(ledger: JobLedger, session: Any, uid: str, kinds: Any) -> Job:
    job = ledger.find(session, uid)
    if job is None or job.kind not in set(kinds):
        raise NotFoundError(f"There is no training {uid}.")
    return job


def _settings(training: TrainingJob) -> list[list[object]]:
    return list(report_content.flat(training.config_parameters))


def _curve(events: Sequence[JobEvent]) -> Chart | None:
    found = fits(events)
    if not found:
        return None
    return loss_curves(Losses("Loss by epoch", found[-1].points, found[-1].epochs))


def _outcome(desk: Desk, row: TrainingReport) -> Outcome:
    try:
        document = document_of(desk.home, row)
    except DeepMedError as error:
        return Outcome(row, problem=error.message)
    ages = [item.age_years for item in document.items if item.part != "labelled"]
    return Outcome(
        row,
        report_content.figures(document),
        document.notes,
        document.advice,
        report_charts.charts(document),
        report_content.tables(document),
        _whole_years(ages),
    )


def _whole_years(ages: Sequence[float]) -> tuple[float, float] | None:
    return (min(ages) // 1, -(-max(ages) // 1)) if ages else None


def _exports(desk: Desk, training: TrainingJob) -> list[Exported]:
    used = {
        each.deployment_info.export_id: each.id for each in answers.deployment.deployed(desk).models
    }
    return [
        Exported(info, FORMS.get(info.export_format, info.export_format), used.get(info.model_id))
        for info in answers.deployment.exports(desk).models
        if info.training_job_id == training.id
    ]


def _compared(trials: Sequence[Mapping[str, Any]]) -> Chart | None:
    rows = [bar(f"Trial {each['number']}", each["planted"]) for each in trials if each["planted"]]
    return intervals("Planted anomalies found by each trial", rows, label="AUROC") if rows else None
