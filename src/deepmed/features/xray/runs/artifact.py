"""A finished training as a signed artefact: weights, how to use them, and what figures rest on."""

import json
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from deepmed.core.home import Home
from deepmed.core.registry.tables import Artifact
from deepmed.features.xray.preparation.split_plan import stored_rows
from deepmed.features.xray.runs import map_checks
from deepmed.features.xray.runs.scored import people
from deepmed.features.xray.runs.sinks import metrics_csv
from deepmed.features.xray.source.pseudonyms import unit_of
from deepmed.features.xray.tables import XrayRun
from deepmed.kit.digests import json_digest

ARTIFACT_KIND = "xray.training-run"
WEIGHTS, MODEL, PREDICTIONS = "weights.safetensors", "model.json", "predictions.json"
SPLIT, INTAKE, EVALUATION = "split.json", "intake.json", "evaluation.json"
HISTORY_JSON, HISTORY_CSV = "history.json", "history.csv"
LIBRARIES = (
    "deepmed", "lightning", "monai", "numpy", "pillow", "pydicom", "python-gdcm", "safetensors",
    "scipy", "torch", "torchmetrics",
)  # fmt: skip


def library_versions() -> dict[str, str]:
    """Of what a figure of a run depends on."""
    found = {}
    for name in LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def model_record(  # noqa: PLR0917 - the parts of a model in the order of use
    preprocessing: Mapping[str, Any],
    network: Mapping[str, Any],
    first_weights: Mapping[str, Any],
    classes: Sequence[str],
    operating_point: Mapping[str, Any],
    split_digest: str,
    maps: Mapping[str, Any],
) -> dict[str, Any]:
    """Everything beside the weights that the model's use needs."""
    return {
        "format": 1,
        "classes": list(classes),
        "network": dict(network),
        "first_weights": dict(first_weights),
        "preprocessing": dict(preprocessing),
        "operating_point": dict(operating_point),
        "split_digest": split_digest,
        map_checks.RECORD: dict(maps),
        "libraries": library_versions(),
    }


def files_of(  # noqa: PLR0917 - one argument a file
    weights: bytes,
    model: Mapping[str, Any],
    predictions: Mapping[str, Any],
    split: str,
    intake: Mapping[str, Any],
    evaluation: Mapping[str, Any],
    history: Sequence[Mapping[str, Any]],
    gate: Mapping[str, bytes],
) -> dict[str, bytes]:
    """Content by name; the gate's files have names of their own, see `runs.novelty`."""
    return {
        **gate,
        WEIGHTS: weights,
        MODEL: _json(model),
        PREDICTIONS: _json(predictions),
        SPLIT: split.encode(),
        INTAKE: _json(intake),
        EVALUATION: _json(evaluation),
        HISTORY_JSON: _json(list(history)),
        HISTORY_CSV: metrics_csv(history).encode(),
    }


def publish(
    home: Home, run: XrayRun, files: Mapping[str, bytes], evaluation: Mapping[str, Any]
) -> Artifact:
    """Sign and store it; a second time gives what is there already."""
    seed = run.configuration["system"]["seed"]
    split = json.loads(files[SPLIT])["digest"]
    recipe = {"xray_run": run.uid, "configuration": run.configuration, "split": split}
    return home.registry.publish(
        ARTIFACT_KIND,
        files,
        metrics=dict(evaluation),
        card=card(run, json.loads(files[MODEL]), _parts(files)),
        lineage={"run": run.uid, "recipe": recipe},
        recipe_hash=json_digest(recipe),
        configuration=run.configuration,
        seed=seed,
        data_hash=split,
    )


def card(
    run: XrayRun, model: Mapping[str, Any], parts: Mapping[str, Sequence[Mapping[str, Any]]]
) -> dict[str, Any]:
    """What the model is, and is not, for, and on whom that rests.

    Args:
        run: the training.
        model: as `model_record` has it.
        parts: of the data, each image with its `patient` and `label`.
    """
    classes = model["classes"]
    return {
        "title": f"Training {run.run_description}",
        "intended_use": f"Telling apart {', '.join(classes)} on images like those of "
        "training, beside a person who decides.",
        "not_for": "Decisions without a person, and images of other devices, views or people than "
        "those of training, until it was validated there.",
        "images": {part: len(records) for part, records in parts.items()},
        "images_of": {
            part: {
                name: sum(record["label"] == place for record in records)
                for place, name in enumerate(classes)
            }
            for part, records in parts.items()
        },
        "patients": {part: people(records) for part, records in parts.items()},
        "counted_by": {
            part: unit_of(record["patient"] for record in records)
            for part, records in parts.items()
        },
        "threshold_and_calibration": "fixed on validation before the test part was opened",
        "first_weights": model["first_weights"]["statement"],
        "heat_maps": map_checks.in_words(model),
    }


def _parts(files: Mapping[str, bytes]) -> dict[str, Sequence[Mapping[str, Any]]]:
    """The images that trained, which are not scored, and those that were scored."""
    listed = stored_rows(json.loads(files[SPLIT]), "train")
    reports = json.loads(files[INTAKE])["parts"]
    unread = {
        one["image_id"]
        for report in reports
        if report["part"] == "training"
        for one in report["rejections"]
    }
    trained = [row for row in listed if row["image"] not in unread]
    return {"train": trained, **json.loads(files[PREDICTIONS])}


def _json(content: Any) -> bytes:
    return json.dumps(content, indent=1, allow_nan=False).encode()
