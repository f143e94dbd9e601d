"""What a report says in words and tables, before anything is laid out."""

from collections.abc import Iterator, Mapping
from typing import Any

from deepmed.features.drawings.report.content import Figure
from deepmed.features.drawings.training.reports.document import TrainingReportDocument
from deepmed.web.charts import Table

STOPPED = {
    "epochs": "all epochs were run",
    "patience": "it no longer improved",
    "asked": "it was asked to stop",
}
MEANING = (
    "A model of this training ranks how unusual a drawing is among drawings like those it was "
    "given. It is a screening aid for a person: no diagnosis, and no test of a child."
)
METHOD = (
    "Children were split at random into three parts that share nobody. The network learned from "
    "the first, the second chose the epoch, and the third was looked at once, at the end: its "
    "children are whom new drawings are ranked against."
)


def figures(document: TrainingReportDocument) -> list[Figure]:
    """Each number with its name and meaning; one that cannot be had says why."""
    metrics = document.metrics
    calibration, labelled = metrics.calibration, metrics.labelled
    return [
        Figure(
            "Final loss", metrics.final_loss, "of the kept weights, on the drawings that watched"
        ),
        Figure("Best epoch", metrics.best_epoch, "whose weights were kept; 0 is untrained"),
        Figure("Epochs run", metrics.epochs_run, STOPPED.get(metrics.stop_reason, "")),
        Figure("Training time", f"{metrics.training_time_seconds:.1f} s", "of the fit alone"),
        Figure(
            "Validation accuracy",
            metrics.validation_accuracy,
            metrics.validation_accuracy_reason
            or "mean of two shares: labelled drawings flagged, typical ones not flagged",
        ),
        Figure(
            "AUROC of labelled drawings",
            labelled.discrimination
            and f"{labelled.discrimination.estimate:.2f} ({labelled.discrimination.low:.2f} to "
            f"{labelled.discrimination.high:.2f})",
            labelled.reason or f"{labelled.drawings} labelled drawings; 0.5 is chance",
        ),
        Figure(
            "Threshold",
            calibration.threshold,
            f"score above which a drawing is flagged at percentile {calibration.percentile:g}",
        ),
        Figure(
            "Attained level",
            calibration.attained_level,
            f"share of typical drawings that is flagged, by {calibration.n_children} children",
        ),
    ]


def tables(document: TrainingReportDocument) -> list[tuple[str, Table]]:
    return [
        ("Parts", _parts(document)),
        ("Configuration", Table(["place", "value"], list(_settings(document)))),
    ]


def _parts(document: TrainingReportDocument) -> Table:
    metrics = document.metrics
    rows: list[list[object]] = [
        [name, metrics.drawings[name], metrics.children[name], errors.mean, errors.median]
        for name, errors in metrics.errors.items()
    ]
    return Table(["part", "drawings", "children", "mean score", "median score"], rows)


def _settings(document: TrainingReportDocument) -> Iterator[list[object]]:
    configuration = document.configuration
    yield from flat(configuration.config.model_dump(mode="json"))
    yield ["encoder", configuration.encoder]
    yield ["data hash", configuration.data_hash]
    yield ["device", configuration.device.get("name", "")]


def flat(values: Mapping[str, Any], before: str = "") -> Iterator[list[object]]:
    """A configuration as rows of place and value."""
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from flat(value, f"{before}{name}.")
        else:
            shown = ", ".join(map(str, value)) if isinstance(value, list) else value
            yield [f"{before}{name}", shown]
