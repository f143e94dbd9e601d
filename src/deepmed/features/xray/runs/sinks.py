"""The readers of a run's messages: database and files, which agree because both read one stream."""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deepmed.features.xray.runs import repository
from deepmed.features.xray.tables import XrayRunEvent
from deepmed.kit.database import Database
from deepmed.kit.exports import csv_text
from deepmed.kit.files import write_atomically

if TYPE_CHECKING:
    from deepmed.learning.classification.events import Event

_NO_METRICS = {"epoch", "global_step", "timestamp"}
METRICS_JSON, METRICS_CSV = "metrics.json", "metrics.csv"
Row = Mapping[str, Any]


class MetricsFilePersister:
    """Writes epochs as files, whole or not at all."""

    @staticmethod
    def save_metrics_to_json(metrics: Sequence[Row], path: Path) -> Path:
        """One object an epoch, in order."""
        write_atomically(path, json.dumps(list(metrics), indent=1, allow_nan=False).encode())
        return path

    @staticmethod
    def save_metrics_to_csv(metrics: Sequence[Row], path: Path) -> Path:
        """One row an epoch; a column for each name that occurs."""
        write_atomically(path, metrics_csv(metrics).encode())
        return path


def metrics_csv(metrics: Sequence[Row]) -> str:
    columns = list(dict.fromkeys(name for row in metrics for name in row))
    return csv_text(metrics, columns)


class DatabaseSink:
    """Keeps every message, and the numbers of each epoch, in one transaction."""

    def __init__(self, database: Database, run_id: int) -> None:
        self._database = database
        self._run_id = run_id

    def __call__(self, event: "Event") -> None:
        with self._database.write_concurrently() as session:
            session.add(
                XrayRunEvent(
                    run_id=self._run_id,
                    sequence=event.sequence,
                    type=event.type,
                    timestamp=event.timestamp,
                    data=dict(event.data),
                )
            )
            row = epoch_row(event)
            if row is not None:
                values = numbers(row)
                parts = {name: _part(name) for name in values}
                repository.replace_metrics(session, self._run_id, row["epoch"], values, parts)


class FileSink:
    """Keeps the epochs as JSON and CSV; goes on with those that an earlier attempt left."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._rows: dict[int, Row] = {row["epoch"]: row for row in kept_metrics(folder)}

    def __call__(self, event: "Event") -> None:
        row = epoch_row(event)
        if row is None:
            return
        self._rows[row["epoch"]] = row
        rows = [self._rows[epoch] for epoch in sorted(self._rows)]
        MetricsFilePersister.save_metrics_to_json(rows, self._folder / METRICS_JSON)
        MetricsFilePersister.save_metrics_to_csv(rows, self._folder / METRICS_CSV)


class ProgressSink:
    """Tells how many epochs are done."""

    def __init__(self, progress: Callable[[int, int, str], None], epochs: int) -> None:
        self._progress = progress
        self._epochs = epochs

    def __call__(self, event: "Event") -> None:
        row = epoch_row(event)
        if row is not None:
            self._progress(row["epoch"], self._epochs, "Training")


def kept_metrics(folder: Path) -> list[dict[str, Any]]:
    """The epochs that the file tells of; none where there is no file."""
    try:
        found: list[dict[str, Any]] = json.loads((folder / METRICS_JSON).read_bytes())
    except (FileNotFoundError, ValueError):
        return []
    return found


def epoch_row(event: "Event") -> dict[str, Any] | None:
    """What a message says of a whole epoch; none where it says something else.

    The epoch of one client of a federated training is no epoch of the run.
    """
    if event.type != "epoch_end" or event.data.get("phase") != "train":
        return None
    if event.data.get("client_id") is not None:
        return None
    return dict(event.data["metrics"])


def numbers(row: Row) -> dict[str, float]:
    """The metrics of an epoch that are numbers."""
    return {
        name: float(value)
        for name, value in row.items()
        if name not in _NO_METRICS and value is not None
    }


def _part(name: str) -> str:
    return {"train": "train", "val": "validation", "test": "test"}.get(
        name.partition("_")[0], "other"
    )
