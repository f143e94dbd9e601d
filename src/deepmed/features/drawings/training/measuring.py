"""What a training came to, in figures that can be counted again from its items."""

from typing import Any

import numpy as np

from deepmed.features.drawings.training.errors import MetricsCalculationError
from deepmed.features.drawings.training.fitting import Fitted
from deepmed.features.drawings.training.preparing import PARTS, TrainingData
from deepmed.learning.autoencoder.enhanced import set_metrics
from deepmed.learning.calibration.conformal import CalibrationSet
from deepmed.learning.calibration.decision import decide
from deepmed.learning.errors import InsufficientDataError
from deepmed.learning.evaluation import auroc_interval
from deepmed.learning.reference import ReferenceModel, Rows

NO_LABELS = (
    "A one-class model has no classes to be accurate about, and no drawing labelled concern or "
    "severe by a child outside training and validation is there to measure it with."
)
SPLIT = "labelled drawings against the typical ones of the test part"


def measure(fitted: Fitted, model: ReferenceModel, data: TrainingData) -> dict[str, Any]:
    """Figures of the whole training.

    Raises:
        MetricsCalculationError: the kept loss is no number, so there is nothing to report on.
    """
    history = fitted.detector.training_
    if not np.isfinite(history["best_loss"]):
        raise MetricsCalculationError
    parts = {name: data.part(name) for name in PARTS}
    scores = {name: fitted.scores(rows) for name, rows in parts.items()}
    labelled = _evaluable(data, model)
    accuracy, reason = balanced_accuracy(fitted, model, parts["test"], labelled)
    return {
        "final_loss": float(history["best_loss"]),
        "best_epoch": int(history["best_epoch"]),
        "epochs_run": int(history["epochs_run"]),
        "stop_reason": str(history["stop_reason"]),
        "recoveries": int(history["recoveries"]),
        "training_time_seconds": round(fitted.seconds, 3),
        "children": {name: len(set(rows.children.tolist())) for name, rows in parts.items()},
        "drawings": {name: len(rows) for name, rows in parts.items()},
        "left_out": data.left_out,
        "errors": {name: set_metrics(values) for name, values in scores.items()},
        "calibration": _calibration(fitted, model.model.calibration),
        "labelled": _labelled(fitted, parts["test"], labelled, data),
        "validation_accuracy": accuracy,
        "validation_accuracy_reason": reason,
    }


def items(fitted: Fitted, model: ReferenceModel, data: TrainingData) -> list[dict[str, Any]]:
    """Every drawing with its part, score and p; pictures are named by their hash alone.

    p ranks against the children of the test part, without the own child; drawings that were fitted
    have none.
    """
    part_of = {int(row): name for name in PARTS for row in data.parts[name]}
    found = []
    for place, row in enumerate(_one_by_one(data.typical)):
        found.append(_item(fitted, model, row, part_of[place], data.pixel_hashes[place]))
    before = len(data.typical)
    for place, row in enumerate(_one_by_one(data.labelled)):
        found.append(_item(fitted, model, row, "labelled", data.pixel_hashes[before + place]))
    return found


def balanced_accuracy(
    fitted: Fitted, model: ReferenceModel, test: Rows, labelled: Rows
) -> tuple[float | None, str | None]:
    """The mean of two shares: labelled drawings flagged, typical ones of the test part not.

    Each drawing is ranked against the children of the test part other than its own.

    Returns:
        The figure and None, or None and the reason.
    """
    percentile, calibration = fitted.config.data.percentile, model.model.calibration
    if not len(labelled):
        return None, NO_LABELS
    if not calibration.supports(percentile, ranked=True):
        return None, (
            f"{calibration.n_children} children of the test part cannot support the percentile "
            f"{percentile:g}, so nothing is flagged and no decision can be right or wrong."
        )
    flagged = [_flags(fitted, calibration, rows, percentile) for rows in (labelled, test)]
    return float((np.mean(flagged[0]) + 1 - np.mean(flagged[1])) / 2), None


def _flags(
    fitted: Fitted, calibration: CalibrationSet, rows: Rows, percentile: float
) -> list[bool]:
    return [
        decide(calibration, score, percentile, child if child in calibration else None).is_anomaly
        for score, child in zip(fitted.scores(rows).tolist(), rows.children.tolist(), strict=True)
    ]


def _evaluable(data: TrainingData, model: ReferenceModel) -> Rows:
    """Labelled drawings of children whom neither fitting nor its watching has met."""
    return data.labelled.without_children(model.fit_children)


def _calibration(fitted: Fitted, calibration: CalibrationSet) -> dict[str, Any]:
    percentile = fitted.config.data.percentile
    return {
        "percentile": percentile,
        "n_children": calibration.n_children,
        "n_drawings": len(calibration),
        "supported": calibration.supports(percentile),
        "highest_percentile": calibration.highest_percentile(),
        "threshold": calibration.threshold(percentile),
        "attained_level": calibration.attained_level(percentile),
    }


def _labelled(fitted: Fitted, test: Rows, labelled: Rows, data: TrainingData) -> dict[str, Any]:
    found: dict[str, Any] = {
        "drawings": len(labelled),
        "left_out": len(data.labelled) - len(labelled),
        "discrimination": None,
        "reason": NO_LABELS,
    }
    if not len(labelled):
        return found
    try:
        figure = auroc_interval(
            fitted.scores(test),
            fitted.scores(labelled),
            test.children,
            labelled.children,
            fitted.config.seed,
            split=SPLIT,
        )
    except InsufficientDataError as error:
        return found | {"reason": str(error)}
    return found | {"discrimination": figure.to_dict(), "reason": None}


def _item(
    fitted: Fitted, model: ReferenceModel, row: Rows, part: str, digest: str
) -> dict[str, Any]:
    calibration, child = model.model.calibration, int(row.children[0])
    score = float(fitted.scores(row)[0])
    # Whoever was fitted is in the model by heart; who watched, only the choice of the epoch.
    ranked = part != "train" and not (part == "labelled" and child in model.fit_children)
    without = child if child in calibration else None
    return {
        "pixel_hash": digest,
        "part": part,
        "child": child,
        "age_years": float(row.ages[0]),
        "score": score,
        "p_value": calibration.p_value(score, without) if ranked else None,
    }


def _one_by_one(rows: Rows) -> list[Rows]:
    return [rows.take(np.array([place])) for place in range(len(rows))]
