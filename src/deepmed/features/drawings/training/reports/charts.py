"""The charts of a training's report."""

from collections.abc import Iterator

from deepmed.features.drawings.pages.charts import Losses, loss_curves
from deepmed.features.drawings.report.charts import histogram, intervals, steps
from deepmed.features.drawings.report.ranks import LEAST_RANKS, rank_band
from deepmed.features.drawings.training.errors import VisualizationError
from deepmed.features.drawings.training.reports.document import (
    ModelArchitectureInfo,
    TrainingReportDocument,
)
from deepmed.web.charts import Chart
from deepmed.web.svg import ACCENT, INK, SOFT, WIDTH, drawn, line, text

PARTS = {
    "train": "Scores of the drawings that were fitted",
    "validation": "Scores of the drawings that watched",
    "test": "Scores of the drawings that nothing had seen, which calibrate",
    "labelled": "Scores of the drawings labelled other than normal",
}


def charts(document: TrainingReportDocument) -> list[Chart]:
    """All of them, each with its rows.

    Raises:
        VisualizationError: a value cannot be drawn.
    """
    try:
        return [
            *_losses(document),
            *_scores(document),
            *_ranks(document),
            *_labelled(document),
            architecture(document.architecture),
        ]
    except (ValueError, ZeroDivisionError) as error:
        raise VisualizationError from error


def architecture(info: ModelArchitectureInfo) -> Chart:
    """The layers from the input over the bottleneck to the output, each as high as it is wide."""
    widths = [info.input_dim, *info.hidden_dims, *info.hidden_dims[-2::-1], info.input_dim]
    names = ["input", *(["encoder"] * (len(info.hidden_dims) - 1)), "bottleneck"]
    names += [*(["decoder"] * (len(info.hidden_dims) - 1)), "output"]
    height, middle = 170, 78
    step = WIDTH / len(widths)
    body = []
    for place, (name, width) in enumerate(zip(names, widths, strict=True)):
        x = step * (place + 0.5)
        half = 8 + 52 * width / max(widths)
        colour = ACCENT if name == "bottleneck" else SOFT
        if place:
            body.append(line(x - step + 7, middle, x - 7, middle, colour=INK))
        body.append(
            f'<rect x="{x - 7:.2f}" y="{middle - half:.2f}" width="14" height="{2 * half:.2f}" '
            f'fill="{colour}"/>'
        )
        body += [text(x, 150, str(width), "middle"), text(x, 165, name, "middle")]
    rows: list[list[object]] = [[*row] for row in zip(names, widths, strict=True)]
    title = f"The network: {info.parameters} parameters, {info.activation} between its layers"
    return Chart(title, drawn(title, body, WIDTH, height), ["layer", "width"], rows)


def _losses(document: TrainingReportDocument) -> Iterator[Chart]:
    points = [
        (one.epoch, one.train_loss, one.val_loss)
        for one in document.curves
        if one.train_loss is not None
    ]
    if points:
        loss = document.configuration.config.loss.value
        yield loss_curves(Losses(f"Loss by epoch ({loss})", points, len(document.curves)))


def _scores(document: TrainingReportDocument) -> Iterator[Chart]:
    threshold = document.metrics.calibration.threshold
    marks = [] if threshold is None else [("threshold", threshold)]
    for part, title in PARTS.items():
        scores = [item.score for item in document.items if item.part == part]
        if scores:
            yield histogram(title, scores, marks, label="score")


def _ranks(document: TrainingReportDocument) -> Iterator[Chart]:
    """The drawings that watched, ranked among the children of the test part."""
    watched = [
        one for one in document.items if one.part == "validation" and one.p_value is not None
    ]
    if len(watched) < LEAST_RANKS:
        return
    calibration = document.metrics.calibration
    alone = len({one.child for one in watched}) == len(watched)
    exact = alone and calibration.n_children == calibration.n_drawings
    yield steps(
        "Calibration: ranks of the drawings that watched; a valid p follows the dashed line"
        + (", within the band 19 times of 20" if exact else ", or lies below it"),
        [one.p_value for one in watched if one.p_value is not None],
        rank_band(calibration.n_children, len(watched)) if exact else [],
        label="p",
        vertical="share with p or less",
    )


def _labelled(document: TrainingReportDocument) -> Iterator[Chart]:
    figure = document.metrics.labelled.discrimination
    if figure is not None:
        row = ("labelled", figure.estimate, figure.low, figure.high, figure.sample_size)
        yield intervals("Labelled drawings told from typical ones", [row], label="AUROC")
