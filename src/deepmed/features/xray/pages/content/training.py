"""A training while it runs and afterwards; all of it is read from what was recorded."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deepmed.core.home import Home
from deepmed.core.jobs.pages import Shown
from deepmed.features.xray.pages.curves import Point, Series, curves, going_on
from deepmed.features.xray.runs import repository
from deepmed.features.xray.runs.reading import StoredRun
from deepmed.features.xray.runs.service import XrayRuns
from deepmed.features.xray.runs.steps import STEPS
from deepmed.features.xray.tables import COMPLETED, FAILED, IN_PROGRESS, XrayRun
from deepmed.kit.errors import NotFoundError
from deepmed.web.charts import Chart
from deepmed.web.downloads import as_csv, as_json

EPOCH, ROUND = "epoch", "round"
WORDS = {COMPLETED: "done", FAILED: "stopped", IN_PROGRESS: "running"}
SHOWN_ROWS = 40
"""Rows of a table under a curve; the file has all."""
MOST_POINTS = 300
"""Of a curve; the file has all."""
LINES: Mapping[str, tuple[str, str, Mapping[str, str]]] = {
    "loss": ("Loss", "loss", {"training images": "train_loss", "validation images": "val_loss"}),
    "measures": (
        "How good it is",
        "share",
        {
            "AUROC": "val_auroc",
            "sensitivity": "val_recall",
            "specificity": "val_specificity",
            "accuracy": "val_acc",
        },
    ),
}
"""Of a chart of epochs: title, what its values are, and the metric of each line."""
TOLD = {
    "rates": ("lr_update", "epoch", "current_lr", "Learning rate", "learning rate"),
    "gradients": ("gradient_stats", "step", "total_norm", "Length of the gradient", "length"),
    "batches": ("batch_metrics", "step", "loss", "Batches", "loss of a batch"),
}
"""Of a curve of messages: their type, what counts them, their value, title, and what it is."""


@dataclass(frozen=True)
class Curve:
    """A chart with the last rows of its table; `key` is its part of an address."""

    key: str
    chart: Chart
    about: str

    @property
    def rows(self) -> Sequence[Sequence[object]]:
        return self.chart.rows[-SHOWN_ROWS:]


def content(runs: XrayRuns, run_id: int) -> dict[str, Any]:
    """Raises NotFoundError."""
    stored = StoredRun.of(runs.home, run_id, runs.ledger.kinds)
    run, job = stored.run, stored.job
    with runs.home.database.read() as session:
        stopped = repository.told(session, run.id, "early_stopping")
        lines = list(_curves(session, stored))
    return {
        "run": run,
        "job": None if job is None else Shown(job, None),
        "open": stored.status == IN_PROGRESS,
        "status": stored.status,
        "words": WORDS[stored.status],
        "reason": stored.reason,
        "source": Path(run.source_path).name,
        "steps": list(steps_of(run, stored.status)),
        "curves": lines,
        "best": _best(stored),
        "stopped": stopped[-1].data.get("reason") if stopped else None,
        "settings": settings_of(run.configuration),
    }


def deletion(runs: XrayRuns, run_id: int) -> dict[str, Any]:
    """What would go with a run. Raises NotFoundError."""
    stored = StoredRun.of(runs.home, run_id, runs.ledger.kinds)
    return {
        "run": stored.run,
        "status": stored.status,
        "source": Path(stored.run.source_path).name,
        "words": f"run {run_id}",
    }


def file(runs: XrayRuns, run_id: int, key: str, form: str) -> str:
    """All points of a curve as CSV or JSON. Raises NotFoundError."""
    stored = StoredRun.of(runs.home, run_id, runs.ledger.kinds)
    chart = _chart(runs.home, stored, key, None)
    if chart is None:
        raise NotFoundError(f"Run {run_id} has no curve {key[:40]!r}.")
    written = as_csv if form == "csv" else as_json
    return written(chart.columns, chart.rows)


@dataclass(frozen=True)
class StepShown:
    """One of the nine steps; `state` is `done`, `now`, `failed` or empty."""

    number: int
    text: str
    state: str


def steps_of(run: XrayRun, status: str) -> Iterator[StepShown]:
    """All nine steps, and how far the run is."""
    now = next((step.number for step in STEPS if step.name == run.stage), 0)
    for step in STEPS:
        state = "done" if step.number < now or status == COMPLETED else ""
        if step.number == now and status != COMPLETED:
            state = "failed" if status == FAILED else "now"
        yield StepShown(step.number, step.text, state)


def settings_of(configuration: Mapping[str, Any]) -> list[list[object]]:
    return [
        [f"{section}.{name}", _shown(value)]
        for section, values in configuration.items()
        for name, value in values.items()
    ]


def _curves(session: Any, stored: StoredRun) -> Iterator[Curve]:
    for key, about in _ABOUT.items():
        chart = _drawn(session, stored, key, MOST_POINTS)
        if chart is not None and chart.rows:
            yield Curve(key, chart, about)


_ABOUT = {
    "loss": "How wrong it is, on images that it learns from and on those of patients that it does "
    "not learn from. Where the second rises while the first falls, it learns by heart.",
    "measures": "On patients that it does not learn from, at 0.5 and before calibration. The "
    "figures that count come at the end, from patients whom nothing was tuned on.",
    "rates": "How far the weights move with a step.",
    "gradients": "How steep the way down is. Numbers that grow without end mean too large a "
    "learning rate.",
    "batches": "Loss of single batches: it jumps, and should fall on the whole.",
}


def _chart(home: Home, stored: StoredRun, key: str, most: int | None) -> Chart | None:
    if key not in _ABOUT:
        return None
    with home.database.read() as session:
        return _drawn(session, stored, key, most)


def _drawn(session: Any, stored: StoredRun, key: str, most: int | None) -> Chart | None:
    counted, last = _counted(stored.run)
    if key in LINES:
        title, up, metrics = LINES[key]
        series = [_by_epoch(stored, name, metric) for name, metric in metrics.items()]
        known = [each for each in series if each.known]
        whole = (0.0, 1.0) if key == "measures" else None
        return curves(title, counted, up, known, last, whole) if known else None
    if counted == ROUND:  # each client steps by itself
        return None
    kind, place, value, title, up = TOLD[key]
    points: list[Point] = [
        (each.data[place], each.data.get(value))
        for each in repository.told(session, stored.run.id, kind, most)
    ]
    end = last if place == counted else None
    return curves(title, place, up, [Series(up, going_on(points))], end)


def _counted(run: XrayRun) -> tuple[str, int]:
    """What its rows of figures stand for, and how many there will be at most."""
    experiment = run.configuration["experiment"]
    federated = run.training_mode == "federated"
    return (ROUND, experiment["num_rounds"]) if federated else (EPOCH, experiment["epochs"])


def _by_epoch(stored: StoredRun, name: str, metric: str) -> Series:
    return Series(name, [(row["epoch"], row.get(metric)) for row in stored.history])


def _best(stored: StoredRun) -> dict[str, Any] | None:
    results = stored.run.results
    if not stored.is_completed or results is None:
        return None
    counted, _ = _counted(stored.run)
    return {"of": counted, "number": results["best_epoch"], "monitor": results["monitor"]}


def _shown(value: object) -> object:
    return ", ".join(map(str, value)) if isinstance(value, list) else value
