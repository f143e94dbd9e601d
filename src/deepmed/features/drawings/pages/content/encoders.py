"""Encoders: whose vectors are stored, and which of them tells most on these drawings."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from deepmed.core.jobs.ledger import JobLedger
from deepmed.features.drawings.answers import encoders as answers
from deepmed.features.drawings.desk import Desk
from deepmed.features.drawings.report.charts import intervals
from deepmed.features.drawings.report.groups import bar
from deepmed.features.drawings.schemas.encoders import (
    ComparisonResponse,
    TaskResponse,
    ViewResponse,
)
from deepmed.web.charts import Chart

OPEN = {"queued", "running"}
OF_A_SHARE = "planted anomalies"
"""The one question whose figures share the chart's scale, with chance in its middle."""


def content(desk: Desk, ledger: JobLedger) -> dict[str, Any]:
    state = answers.newest_comparison(desk, ledger)
    return {
        "stored": answers.stored(desk),
        "present": desk.home.settings.encoder,
        "job_id": state.job_id if state.state in OPEN else None,
        "compared": state.result,
        "charts": _charts(state.result) if state.result else [],
        "speeds": [[one.name, one.ms_an_image] for one in state.result.encoders]
        if state.result
        else [],
        "columns": ["Row", "Figure", "Low", "High", "Children", "Better than present by"],
    }


@dataclass(frozen=True)
class Answered:
    """A question with its table, and its chart where it has one."""

    task: TaskResponse
    rows: Sequence[Sequence[object]]
    chart: Chart | None


def _charts(result: ComparisonResponse) -> list[Answered]:
    return [Answered(task, [_row(row) for row in task.rows], _chart(task)) for task in result.tasks]


def _row(row: ViewResponse) -> list[object]:
    figure, beside = row.figure, row.beside_present
    difference = beside and f"{beside.estimate:+.3f} ({beside.low:+.3f} to {beside.high:+.3f})"
    if figure is None:
        return [row.name, None, None, None, None, difference]
    return [row.name, figure.estimate, figure.low, figure.high, figure.n_children, difference]


def _chart(task: TaskResponse) -> Chart | None:
    if task.task != OF_A_SHARE or not task.rows:
        return None
    bars = [bar(row.name, row.figure.model_dump() if row.figure else None) for row in task.rows]
    return intervals("Planted anomalies found", bars, label="AUROC")
