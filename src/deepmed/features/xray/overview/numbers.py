"""From the numbers of epochs and rounds to those that lists and summaries show."""

from collections.abc import Mapping, Sequence
from typing import Any

from deepmed.features.xray.tables import XrayServerEvaluation

Row = Mapping[str, Any]
LOSS = "val_loss"
OF_ROUNDS = {
    LOSS: "loss",
    "val_acc": "accuracy",
    "val_precision": "precision",
    "val_recall": "recall",
    "val_f1": "f1_score",
    "val_auroc": "auroc",
    "val_cm_tp": "true_positives",
    "val_cm_tn": "true_negatives",
    "val_cm_fp": "false_positives",
    "val_cm_fn": "false_negatives",
}
"""What an epoch calls a number, and what the table of rounds does."""
MEASURED = (LOSS, "val_acc", "val_precision", "val_recall", "val_f1", "val_auroc")
"""Of which a best is told."""
_DIGITS = 4
"""Of the shares beside a confusion matrix, as the contract has them."""


def epoch_of(evaluation: XrayServerEvaluation) -> dict[str, Any]:
    """A round as an epoch: the common model on the validation part."""
    numbers = {name: getattr(evaluation, column) for name, column in OF_ROUNDS.items()}
    return {"epoch": evaluation.round_number, **numbers}


def best(rows: Sequence[Row], name: str) -> float | None:
    """The largest value of a metric, of the loss the smallest; None where no epoch has it.

    As the best of many it is optimistic, and each metric's may be of another epoch: it is no figure
    of the weights that are kept.
    """
    found = [row[name] for row in rows if row.get(name) is not None]
    if not found:
        return None
    return float(min(found) if name == LOSS else max(found))


def best_epoch(rows: Sequence[Row]) -> int | None:
    """The first epoch of the largest accuracy on validation."""
    top = best(rows, "val_acc")
    return next(
        (row["epoch"] for row in rows if top is not None and row.get("val_acc") == top), None
    )


def kept_of(rows: Sequence[Row], epoch: int | None) -> dict[str, Any] | None:
    """The row of that epoch; the last one where none is chosen yet or it is not among them."""
    found = next((row for row in rows if row["epoch"] == epoch), rows[-1] if rows else None)
    return None if found is None else dict(found)


def cells(row: Row | None) -> dict[str, int] | None:
    """The confusion matrix of an epoch; None where there is none, as of several classes."""
    if row is None:
        return None
    found = {cell: row.get(f"val_cm_{cell}") for cell in ("tp", "tn", "fp", "fn")}
    if None in found.values():
        return None
    return {cell: int(number) for cell, number in found.items() if number is not None}


def shares(found: Mapping[str, int]) -> dict[str, float | None]:
    """What follows from a confusion matrix; None where there is nothing to divide by."""
    tp, tn, fp, fn = (found[cell] for cell in ("tp", "tn", "fp", "fn"))
    return {
        "sensitivity": _share(tp, tp + fn),
        "specificity": _share(tn, tn + fp),
        "precision_cm": _share(tp, tp + fp),
        "accuracy_cm": _share(tp + tn, tp + tn + fp + fn),
        "f1_cm": _share(2 * tp, 2 * tp + fp + fn),
    }


def mean(values: Sequence[float | None]) -> float | None:
    """Of those that there are."""
    there = [value for value in values if value is not None]
    return sum(there) / len(there) if there else None


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, _DIGITS) if whole else None
