"""Generator for comprehensive training reports with visualizations."""

import math
from collections.abc import Iterator
from typing import Any

from deepmed.features.drawings.training.fitting import Fitted
from deepmed.features.drawings.training.measuring import items, measure
from deepmed.features.drawings.training.preparing import LEFT_OUT, TrainingData
from deepmed.features.drawings.training.reports.document import (
    REPORT_FILE,
    EpochPoint,
    Item,
    ModelArchitectureInfo,
    TrainingConfiguration,
    TrainingMetrics,
    TrainingReportDocument,
)
from deepmed.kit import clock
from deepmed.learning.reference import ReferenceModel
from deepmed.web.downloads import as_csv

CURVES_FILE = "curves.csv"
HTML, PDF, JSON, CSV = "html", "pdf", "json", "csv"
FORMS = {
    HTML: "text/html",
    PDF: "application/pdf",
    JSON: "application/json",
    CSV: "text/csv",
}


class TrainingReportGenerator:
    """Puts a report together, and draws it as HTML, PDF, JSON and CSV."""

    def generate_comprehensive_report(
        self, fitted: Fitted, model: ReferenceModel, data: TrainingData
    ) -> TrainingReportDocument:
        """Measure the training and write down everything that is known of it.

        Raises:
            MetricsCalculationError: a figure cannot be computed.
        """
        metrics = TrainingMetrics.model_validate(measure(fitted, model, data))
        return TrainingReportDocument(
            job_name=fitted.config.job_name,
            made_at=clock.now(),
            metrics=metrics,
            architecture=ModelArchitectureInfo.model_validate(
                fitted.detector.network().get_architecture_info()
            ),
            configuration=TrainingConfiguration(
                config=fitted.config,
                encoder=data.encoder,
                data_hash=data.data_hash,
                device=fitted.device,
            ),
            curves=list(_curves(fitted)),
            items=[Item.model_validate(one) for one in items(fitted, model, data)],
            notes=[*data.notes, *_left_out(metrics), *_interrupted(fitted)],
            advice=list(_advice(metrics, fitted.config.epochs)),
        )

    def files(self, document: TrainingReportDocument) -> dict[str, bytes]:
        """What is stored of a report; the other forms are drawn from it when they are asked for."""
        return {REPORT_FILE: document.to_bytes(), CURVES_FILE: self.render(document, CSV)}

    def render(self, document: TrainingReportDocument, form: str) -> bytes:
        """The report as `html`, `pdf`, `json` or, its curves alone, `csv`.

        Raises:
            VisualizationError: a chart cannot be drawn.
            KeyError: there is no such form.
        """
        if form == JSON:
            return document.to_bytes()
        if form == CSV:
            names = list(EpochPoint.model_fields)
            return as_csv(
                names, [[getattr(one, name) for name in names] for one in document.curves]
            ).encode()
        from deepmed.features.drawings.training.reports import html, pdf  # noqa: PLC0415 - heavy

        return {HTML: html.render, PDF: pdf.render}[form](document)


def _curves(fitted: Fitted) -> Iterator[EpochPoint]:
    training = fitted.detector.training_
    watched: list[float] = training["validation_losses"]
    rates = {one["epoch"]: one["learning_rate"] for one in fitted.history}
    for place, loss in enumerate(training["train_losses"]):
        yield EpochPoint(
            epoch=place + 1,
            train_loss=_finite(loss),
            val_loss=_finite(watched[place]) if place < len(watched) else None,
            learning_rate=rates.get(place + 1),
        )


def _finite(loss: Any) -> float | None:
    return float(loss) if math.isfinite(loss) else None


def _left_out(metrics: TrainingMetrics) -> list[str]:
    return [
        f"{count} left out: {LEFT_OUT[reason]}."
        for reason, count in metrics.left_out.items()
        if count
    ]


def _interrupted(fitted: Fitted) -> list[str]:
    if not fitted.resumed:
        return []
    return [
        "The training was interrupted and went on from its last checkpoint: its weights are the "
        "same, and the seconds are those after the interruption."
    ]


def _advice(metrics: TrainingMetrics, epochs: int) -> Iterator[str]:
    """What the figures themselves suggest; each sentence follows from one of them."""
    if metrics.best_epoch == 0:
        yield (
            "No epoch was better than the untrained network: lower optimizer.learning_rate, or "
            "add drawings."
        )
    if metrics.best_epoch == epochs:
        yield "The last epoch was the best so far: with more epochs the loss may fall further."
    if metrics.recoveries:
        yield (
            f"The loss exploded {metrics.recoveries} times and was recovered from: lower "
            "optimizer.learning_rate."
        )
    calibration = metrics.calibration
    if not calibration.supported:
        yield (
            f"{calibration.n_children} children of the test part cannot support the percentile "
            f"{calibration.percentile:g}, so nothing would be flagged. The highest that they "
            f"support is {calibration.highest_percentile or 0:.4g}: add children, or give more of "
            "them to the test part with data=half."
        )
