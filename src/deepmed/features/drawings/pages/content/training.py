"""A training while it runs, and what became of it; all of it is read from the ledger."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from deepmed.core.jobs.history import is_forgotten, told
from deepmed.core.jobs.ledger import JobLedger
from deepmed.core.jobs.pages import Shown
from deepmed.core.jobs.tables import Job, JobEvent
from deepmed.features.drawings.models.kinds import OF_AGES
from deepmed.features.drawings.pages.charts import Losses, Point, loss_curves
from deepmed.features.drawings.report.charts import intervals
from deepmed.features.drawings.report.groups import bar
from deepmed.features.drawings.words import name_in_words
from deepmed.kit.errors import NotFoundError
from deepmed.web.charts import Chart
from deepmed.web.downloads import as_csv, as_json

TRAINING = "drawings.train"
KINDS = ("epochs", "resumed", "compared")
PARTS = {"model": "the model", "twin": "its twin"}
SHOWN_ROWS = 60
"""Rows of a table under a curve; the file has all."""
COLUMNS = ("group", "part", "epoch", "loss in learning", "loss of children who watch")


@dataclass(frozen=True)
class Curve:
    """One fit's curve with its table."""

    chart: Chart
    rows: Sequence[Sequence[object]]
    resumed: int | None
    """The epoch from which it went on after an interruption."""


@dataclass(frozen=True)
class Comparison:
    """Which detector was chosen for a group, and how each did."""

    group: str
    chosen: str
    reason: str
    chart: Chart


def content(ledger: JobLedger, uid: str) -> dict[str, Any]:
    job, events = _training(ledger, uid)
    with ledger.database.read() as session:
        forgotten = is_forgotten(session, job)
    return {
        "forgotten": forgotten,
        "shown": Shown(job, None),
        "curves": [_curve(fit) for fit in fits(events)],
        "comparisons": [_comparison(each.data) for each in events if each.kind == "compared"],
        "models": [
            each for each in (job.result or {}).get("models", []) if each["kind"] in OF_AGES
        ],
        "skipped": (job.result or {}).get("skipped", []),
        "notes": (job.result or {}).get("notes", []),
    }


def losses(ledger: JobLedger, uid: str, form: str) -> str:
    """Every epoch of every fit as CSV or JSON."""
    _, events = _training(ledger, uid)
    rows = [(fit.group, fit.part, *point) for fit in fits(events) for point in fit.points]
    return as_csv(COLUMNS, rows) if form == "csv" else as_json(COLUMNS, rows)


@dataclass
class Fit:
    """The losses of a model or of its twin, as they were told."""

    group: str
    part: str
    points: list[Point]
    epochs: int = 0
    resumed: int | None = None


def fits(events: Iterable[JobEvent]) -> list[Fit]:
    """In the order in which they began. A repeated epoch replaces itself and all after it."""
    found: dict[tuple[str, str], Fit] = {}
    for event in events:
        if event.kind == "compared":
            continue
        data = event.data
        key = (data["group"], data["part"])
        fit = found.setdefault(key, Fit(*key, points=[]))
        if event.kind == "resumed":
            fit.resumed = data["epoch"]
            continue
        new: list[Point] = [(epoch, loss, watched) for epoch, loss, watched in data["points"]]
        fit.points = [point for point in fit.points if point[0] < new[0][0]] + new
        fit.epochs = data["epochs"]
    return [fit for fit in found.values() if fit.points]


def _training(ledger: JobLedger, uid: str) -> tuple[Job, Sequence[JobEvent]]:
    with ledger.database.read() as session:
        job = ledger.find(session, uid)
        if job is None or job.kind != TRAINING:
            raise NotFoundError(f"There is no training {uid}.")
        return job, told(session, job, KINDS)


def _curve(fit: Fit) -> Curve:
    title = f"Autoencoder for {fit.group}: {PARTS.get(fit.part, fit.part)}"
    chart = loss_curves(Losses(title, fit.points, fit.epochs))
    step = -(-len(chart.rows) // SHOWN_ROWS)
    rows = chart.rows[::-1][::step][::-1]  # the newest is among them
    return Curve(chart, rows, fit.resumed)


def _comparison(data: Mapping[str, Any]) -> Comparison:
    figures = [bar(name_in_words(row["name"]), row["overall"]["interval"]) for row in data["rows"]]
    title = f"Planted anomalies found in {data['group']}"
    chart = intervals(title, figures, label="AUROC")
    return Comparison(data["group"], name_in_words(data["chosen"]), data["reason"], chart)
