"""A run's numbers as files (contract 1.3)."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from fastapi import Response

from deepmed.features.xray.answers import runs as answers
from deepmed.features.xray.runs.service import XrayRuns
from deepmed.kit import clock
from deepmed.kit.exports import csv_text
from deepmed.kit.http.attachments import attachment

_KINDS = {"csv": "text/csv", "json": "application/json", "txt": "text/plain; charset=utf-8"}


def epochs_csv(runs: XrayRuns, run_id: int) -> Response:
    """One row an epoch or round; a column for each number that any has."""
    rows = answers.course(answers.stored_run(runs, run_id))
    columns = list(dict.fromkeys(name for row in rows for name in row)) or ["epoch"]
    return _file(csv_text(rows, columns), run_id, "export", "csv")


def everything_json(runs: XrayRuns, run_id: int) -> Response:
    """What the metrics answer, and every epoch with all its numbers."""
    found = answers.metrics(runs, run_id).model_dump(mode="json")
    found["epochs"] = answers.course(answers.stored_run(runs, run_id))
    return _file(json.dumps(found, indent=1, allow_nan=False), run_id, "export", "json")


def summary_text(runs: XrayRuns, run_id: int) -> Response:
    """The run in words."""
    found = answers.metrics(runs, run_id).model_dump(mode="json")
    return _file("\n".join(_lines(found)) + "\n", run_id, "summary", "txt")


def _file(text: str, run_id: int, what: str, form: str) -> Response:
    name = f"run_{run_id}_{what}_{clock.now():%Y%m%d_%H%M%S}.{form}"
    return Response(text, media_type=_KINDS[form], headers=attachment(name))


def _lines(found: Mapping[str, Any]) -> Iterator[str]:
    told = found["metadata"]
    yield f"Run {found['run_id']}: {told['experiment_name']}"
    yield f"Status: {found['status']}" + (f" ({found['reason']})" if found["reason"] else "")
    yield f"From {told['start_time']} to {told['end_time'] or 'now'}"
    yield f"Epochs or rounds: {found['total_epochs']}; weights of {_told(told['kept_epoch'])} kept"
    yield ""
    yield _where(found["measured_on"])
    yield from (f"  {name}: {_told(value)}" for name, value in found["final_metrics"].items())
    yield ""
    if not found["test"]:
        yield f"Test part: {found['test_reason']}"
        return
    report = found["test"]["report"]
    yield (
        f"Test part: {report['n_items']} images of {report['n_patients']} patients, at the stored "
        f"threshold {_told(report.get('threshold'))}"
    )
    for name, figure in report["figures"].items():
        yield f"  {name}: {_told(figure['estimate'])}{_interval(figure)}"


def _where(measured: Mapping[str, Any] | None) -> str:
    if measured is None:
        return "Validation"
    kept = "whose weights are kept" if measured["is_kept"] else "the last so far"
    return (
        f"Validation, {_told(measured['n'])} images at {measured['threshold']:g}, epoch or round "
        f"{measured['epoch']}, {kept}"
    )


def _interval(figure: Mapping[str, Any]) -> str:
    if figure.get("low") is None:
        return f" ({figure['reason']})" if figure.get("reason") else ""
    return f" (from {figure['low']:.4f} to {figure['high']:.4f})"


def _told(value: Any) -> str:
    if value is None:
        return "not known"
    return f"{value:.4f}" if isinstance(value, float) else str(value)
