"""What travels inside an exported file beside the network (X-20)."""

from typing import Any

from deepmed.features.xray.exports.formats import ExportFormat
from deepmed.features.xray.runs.reading import StoredRun

NOTE = "deepmed"
"""Name of the text in an ONNX file's metadata."""
FILE = "deepmed.json"
"""Name of the text in a `.pt2` archive."""
ROWS = {
    ExportFormat.ONNX: "any number of images at a time",
    ExportFormat.EXPORTED: "1 to 4096 images at a time",
    ExportFormat.INT8: "one image at a time, because images asked together would share their steps",
}


def facts_of(run: StoredRun, form: ExportFormat) -> dict[str, Any]:
    """Preprocessing, threshold, calibration and where the model comes from; it names nobody."""
    model = run.model
    point = model["operating_point"]
    return {
        "format": 1,
        "form": form.value,
        "made_by": f"deepmed {model['libraries'].get('deepmed', '')}".strip(),
        "run": run.run.uid,
        "artifact": run.artifact.uid,
        "manifest_sha256": run.artifact.manifest_hash,
        "split_sha256": model["split_digest"],
        "classes": model["classes"],
        "input": {
            "image": "float32 (rows, channels, height, width), prepared as `preprocessing` says",
            "rows": ROWS[form],
        },
        "output": {
            "logits": "float32, before calibration",
            "probability": _probability(model["classes"], point),
        },
        "preprocessing": model["preprocessing"],
        "operating_point": point,
        "card": run.card,
    }


def _probability(classes: list[str], point: dict[str, Any]) -> str:
    threshold = point["threshold"]
    undone = point.get("offsets") or not point.get("classes_weighted")
    kind = "calibrated" if undone else "not calibrated, because training weighted classes"
    if threshold is None:
        return f"{kind}, one a class; the decision is the largest"
    return f"{kind}, of {classes[1]}; the decision is {classes[1]} from {threshold!r} on"
