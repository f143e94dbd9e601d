"""One image asked about: what the model says of it, whether that is an answer, and why."""

import base64
from typing import Any, BinaryIO

from deepmed.features.xray.inference.prediction import NO_INTERPRETATION, HeatMap, Prediction
from deepmed.features.xray.inference.receiving import content_of, label_of
from deepmed.features.xray.inference.service import MapWanted, XrayInference
from deepmed.features.xray.pages import result_charts as charts
from deepmed.features.xray.pages.outcome import words
from deepmed.features.xray.pages.outcome.results import TEST, VALIDATION
from deepmed.features.xray.report.words import in_words
from deepmed.features.xray.runs.reading import StoredRun
from deepmed.features.xray.runs.service import XrayRuns
from deepmed.features.xray.source.pseudonyms import PATIENT, several
from deepmed.features.xray.tables import COMPLETED
from deepmed.kit.errors import ModelError
from deepmed.web.charts import Chart, Table

SHOWN = 100
METHODS = {
    "grad_cam": "Grad-CAM",
    "grad_cam_plus_plus": "Grad-CAM++",
    "occlusion": "Occlusion (slower)",
    "": "none",
}
CHECKS = {
    "features": "what the network sees in it",
    "appearance": "levels of grey and detail",
    "negative": "whether its negative is more like them",
    "colour": "colours",
}
CONTROLS = {
    "random": "the best of {} random orders of patches",
    "sobel": "edges of the image (Sobel)",
}
WORTH = ("sensitivity", "specificity", "auroc")


def content(runs: XrayRuns, run_id: int | None) -> dict[str, Any]:
    """The page before an image is chosen.

    Raises:
        NotFoundError: the run is not there.
        ConflictError: it is not completed.
    """
    completed = [run for run, _ in runs.page(COMPLETED, SHOWN)]
    inference = XrayInference.of(runs.home)
    if run_id is None and not completed:
        return {"completed": (), "run": None}
    try:
        serving = inference.serving()
    except ModelError as error:
        number, why = None, error.message
    else:
        number, why = serving.run_id, f"Run {serving.run_id} is in service. {serving.because}"
    run = inference.run(run_id or number or completed[0].id)
    return {
        "completed": completed,
        "serving": number,
        "why": why,
        "methods": METHODS,
        **worth(run),
    }


def answer(runs: XrayRuns, run_id: int, name: str | None, file: BinaryIO, method: str) -> Any:
    """What is said of an image; nothing of it is stored.

    Raises:
        UnreadableUploadError: no image can be had from it.
        TooLargeError: it has too many bytes.
        ValidationError: there is no such map.
        NotFoundError: the run is not there.
    """
    inference = XrayInference.of(runs.home)
    sent = content_of(file, runs.home.settings)
    with inference.asking(run_id) as asked:
        made = asked.predict(sent, label_of(name), MapWanted(method) if method else None)
    return shown(made, inference.run(run_id))


def shown(made: Prediction, run: StoredRun) -> dict[str, Any]:
    patients = run.model["operating_point"]["n_patients"]
    return {
        "made": made,
        "run": run.run,
        "chip": _chip(made),
        "patients": patients,
        "scale": _scale(made),
        "probabilities": _probabilities(made),
        "checks": _checks(made),
        "no_interpretation": NO_INTERPRETATION,
        "map": None if made.heatmap is None else _map(made.heatmap),
    }


def worth(run: StoredRun) -> dict[str, Any]:
    """What the model's answers are worth, on its test part where it has one."""
    part = TEST if run.evaluation[TEST] else VALIDATION
    figures = run.evaluation[part]["report"]["figures"]
    names = WORTH if "sensitivity" in figures else ("accuracy", "macro_auroc")
    return {
        "run": run.run,
        "classes": run.model["classes"],
        "rests_on": part,
        "units": several(figures[names[0]]["unit"] or PATIENT),
        "worth": [(in_words(name), words.interval(figures[name])) for name in names],
    }


def _chip(made: Prediction) -> tuple[str, str]:
    """Words and look; colour never says what the words do not."""
    if made.refused:
        return "refused: unlike the images of training", "look"
    if made.withheld.abstains:
        return "no answer", "none"
    return made.decision, ""


def _scale(made: Prediction) -> Chart | None:
    if made.threshold is None:
        return None
    return charts.scale(
        f"Where this image's probability of {made.model.classes[1]} lies",
        made.probabilities[1],
        made.threshold,
        made.withheld.band,
        made.model.classes,
    )


def _probabilities(made: Prediction) -> Table:
    rows: list[list[object]] = [
        [*pair] for pair in zip(made.model.classes, made.probabilities, strict=True)
    ]
    kind = "calibrated probability" if made.calibrated else "probability, not calibrated"
    return Table(["class", kind], rows)


def _checks(made: Prediction) -> Table:
    rows: list[list[object]] = [
        [CHECKS.get(each["name"], each["name"]), each["p_value"], each["flagged"]]
        for each in made.novelty.checks
    ]
    return Table(["looked at", "p", "unlike"], rows)


def _map(found: HeatMap) -> dict[str, Any]:
    return {
        "found": found,
        "method": METHODS[found.method].partition(" (")[0],
        "original": data_uri(found.original),
        "layer": None if found.layer is None else data_uri(found.layer),
        "picture": None if found.picture is None else data_uri(found.picture),
        "faithfulness": None if found.faithfulness is None else _faithfulness(found),
    }


def _faithfulness(found: HeatMap) -> Table:
    measured = found.faithfulness or {}
    rows: list[list[object]] = [
        [
            CONTROLS.get(method, "this map").format(measured["random_orders"]),
            _area(measured["curves"][method]["insertion"]),
            _area(measured["curves"][method]["deletion"]),
            score,
        ]
        for method, score in measured["scores"].items()
    ]
    rows.sort(key=lambda row: row[0] != "this map")
    return Table(["order of patches", "insertion", "deletion", "insertion less deletion"], rows)


def _area(curve: list[float]) -> float:
    """Under a curve of equal steps, by trapezia."""
    return (sum(curve) - (curve[0] + curve[-1]) / 2) / (len(curve) - 1)


def data_uri(png: bytes) -> str:
    """A picture within the page: nothing of it is stored, so it has no address."""
    return f"data:image/png;base64,{base64.b64encode(png).decode()}"
