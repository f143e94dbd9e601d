"""What is said of one run."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from deepmed.cli.output import Output

if TYPE_CHECKING:
    from deepmed.features.xray.runs.service import XrayRuns

UNKNOWN = "image"
COLUMNS = ("run_id", "experiment_name", "status", "stage", "start_time", "end_time")


def of_whom(images: int, people: int, unit: str) -> str:
    """`16 images of 8 patients`; of images of nobody known it says that instead."""
    if unit == UNKNOWN:
        return f"{images} images, of which nothing says whose they are"
    return f"{images} images of {people} {unit.replace(' or ', 's or ')}s"


def state(runs: "XrayRuns", number: int) -> dict[str, Any]:
    from deepmed.features.xray.runs.service import described

    line = runs.get(number)
    return {
        **described(line),
        "configuration": line[0].configuration,
        "history": runs.history(number),
        "results": line[0].results,
    }


def say(out: Output, told: Mapping[str, Any]) -> None:
    out.say(f"Run {told['run_id']} ({told['experiment_name']}) is {told['status']}.")
    if told["reason"]:
        out.say(str(told["reason"]))
    if told["status"] == "in_progress":
        out.say("Where no worker or server runs, `deepmed xray resume` goes on with it here.")
    _say_history(out, told["history"])
    if told["results"]:
        _say_results(out, told["results"])


def _say_history(out: Output, history: list[dict[str, Any]]) -> None:
    names = ("epoch", "train_loss", "val_loss", "val_acc", "val_recall", "val_auroc")
    out.table(
        ["Epoch", "Training loss", "Loss", "Accuracy", "Recall", "AUROC"],
        [[row.get(name) for name in names] for row in history],
        "Validation by epoch",
    )


def _say_results(out: Output, results: Mapping[str, Any]) -> None:
    point, part = results["operating_point"], results["test"] or results["validation"]
    figures, half = part["report"]["figures"], part.get("at_half", {}).get("figures", {})
    out.table(
        ["Figure", "Estimate", "Interval", "At 0.5"],
        [
            [name, one["estimate"], _interval(one), half.get(name, {}).get("estimate")]
            for name, one in figures.items()
        ],
        "Test part" if results["test"] else "Validation part (there is no test part)",
    )
    units = results.get("counted_by", {})
    for name, images in results["images"].items():
        unit = units.get(name, "patient")
        out.say(f"{name}: {of_whom(images, results['patients'][name], unit)}.")
    if left_out := _left_out(results.get("intake", {})):
        out.say(f"{left_out}; the page /xrays/runs/{results['run_id']}/data names each.")
    if point["threshold"] is not None:
        out.say(
            f"Threshold {point['threshold']:.3f} (Youden) and temperature "
            f"{point['temperature']:.3f}{_offsets(point)}, fixed on validation."
        )
    for note in point["notes"]:
        out.say(f"Note: {note}")
    out.say(results["first_weights"]["statement"])
    out.say(f"Its figures, counted again: deepmed verify {results['artifact']}")


def _left_out(intake: Mapping[str, int]) -> str:
    """What of the source was not trained on; nothing where all of it was.

    >>> _left_out({"rejected": 8, "without_file": 0, "unlabelled": 1})
    'Not used: files that cannot be read (8), images without a label (1)'
    """
    kinds = {
        "files that cannot be read": "rejected",
        "rows without an image": "without_file",
        "images without a label": "unlabelled",
    }
    parts = [f"{words} ({intake[name]})" for words, name in kinds.items() if intake.get(name)]
    return f"Not used: {', '.join(parts)}" if parts else ""


def _interval(figure: Mapping[str, Any]) -> str:
    low, high = figure.get("low"), figure.get("high")
    return str(figure.get("reason") or "") if low is None else f"{low:.3f} to {high:.3f}"


def _offsets(point: Mapping[str, Any]) -> str:
    """What undoes weights of classes, where training had any."""
    return "".join(f", offset {one:.3f}" for one in point.get("offsets", ()))
