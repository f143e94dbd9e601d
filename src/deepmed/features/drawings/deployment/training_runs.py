"""A training on a folder as a model of an age group: for the ages that its drawings had.

Such a training names nobody of this installation: its drawings are numbered below zero.
"""

import json
import math
from collections.abc import Mapping
from itertools import count, islice
from typing import Any

from sqlalchemy.orm import Session

from deepmed.core.registry.manifest import Package
from deepmed.core.registry.tables import Artifact
from deepmed.features.drawings.deployment import repository, sources
from deepmed.features.drawings.deployment.errors import ModelExportError
from deepmed.features.drawings.deployment.sources import Source
from deepmed.features.drawings.models.file_names import ITEMS_FILE
from deepmed.features.drawings.models.kinds import kind_of
from deepmed.features.drawings.models.ranges import AgeRange, closes_by_default
from deepmed.features.drawings.workbench import Workbench
from deepmed.kit.errors import ValidationError
from deepmed.learning.reference import ReferenceModel, from_files
from deepmed.learning.reference.files import HEADER

LABELLED = "labelled"
"""The part of a training's drawings that only evaluates."""
FROM_FOLDER = "It was trained on a folder of drawings, of which none need be stored here."


def of_job(bench: Workbench, session: Session, job_id: int, ages: tuple[float, float]) -> Source:
    """What a training job came to, for these ages.

    Raises:
        ModelExportError: no such job, no model of it yet, or ages that its drawings did not have.
    """
    artifact = repository.artifact_of_job(session, bench.owner_id, job_id)
    if artifact is None:
        raise ModelExportError(
            f"There is no finished training job {job_id} with a model; nothing was exported."
        )
    return of_run(bench, session, artifact, ages)


def of_run(
    bench: Workbench, session: Session, artifact: Artifact, ages: tuple[float, float]
) -> Source:
    """The same by what the training left in the registry."""
    package = bench.registry.package(artifact.uid)
    model = from_files(package.files)
    span = _range(package, ages)
    metrics = _metrics(model, package.manifest.metrics)
    return Source(
        uid=artifact.uid,
        version=sources.version_of(bench, session, artifact),
        ages=span,
        files={**sources.whole(package.files), ITEMS_FILE: _items(package.files)},
        recipe=_recipe(package, span, metrics),
        metrics=metrics,
        card=_card(span, model, package, metrics),
        datasets=[],
        trained=sources.trained_by(package.manifest),
        training_job_id=repository.job_of_artifact(session, bench.owner_id, artifact.id),
    )


def _range(package: Package, ages: tuple[float, float]) -> AgeRange:
    """The ages asked for, where they are those of the drawings to the whole year."""
    try:
        span = AgeRange(*ages, upper_closed=closes_by_default(ages[1]))
    except ValidationError as error:
        raise ModelExportError(error.message) from error
    least, greatest = _ages_of_drawings(package)
    # A drawing of just the upper age has trained: then that age belongs to the range.
    span = AgeRange(span.age_min, span.age_max, span.upper_closed or greatest == span.age_max)
    holds = span.holds(least) and span.holds(greatest)
    if not holds or span.age_min < math.floor(least) or span.age_max > math.ceil(greatest):
        raise ModelExportError(
            f"The drawings of this training are by children of {least:g} to {greatest:g} years, "
            f"so the model is for {math.floor(least)}-{math.ceil(greatest)} and not for "
            f"{ages[0]:g}-{ages[1]:g}; nothing was exported."
        )
    return span


def _ages_of_drawings(package: Package) -> tuple[float, float]:
    try:
        items = json.loads(package.files[ITEMS_FILE])
        ages = [item["age_years"] for item in items if item["part"] != LABELLED]
        return min(ages), max(ages)
    except (KeyError, TypeError, ValueError) as error:
        raise ModelExportError(
            f"The package {package.manifest.uid} does not tell the ages of its drawings; nothing "
            "was exported."
        ) from error


def _items(files: Mapping[str, bytes]) -> bytes:
    """The calibration scores alone: the training's own list names pictures by their pixels."""
    rows = json.loads(files[HEADER])["model"]
    own = [row | {"role": "calibration", "kind": None} for row in rows]
    return json.dumps({"own": own}, separators=(",", ":")).encode()


def _metrics(model: ReferenceModel, told: Mapping[str, Any]) -> dict[str, Any]:
    """Counts and levels in the words of the other models."""
    calibration, percentile = model.model.calibration, told["calibration"]["percentile"]
    drawings = told["drawings"]
    return {
        "percentile": percentile,
        "children": {
            "fit": len(model.fit_children),
            "borrowed": 0,
            "calibration": calibration.n_children,
        },
        "drawings": {
            "fit": drawings["train"] + drawings["validation"],
            "borrowed": 0,
            "calibration": len(calibration),
        },
        "twin_children": None,
        "supported": calibration.supports(percentile),
        "highest_percentile": calibration.highest_percentile(),
        "threshold": calibration.threshold(percentile),
        "attained_level": calibration.attained_level(percentile),
    }


def _recipe(package: Package, span: AgeRange, metrics: Mapping[str, Any]) -> dict[str, Any]:
    told = package.manifest.lineage["recipe"]
    return {
        "kind": kind_of(json.loads(package.files[HEADER])["layout"]),
        "bounds": [span.age_min, span.age_max, span.upper_closed],
        "config": {**told["config"], "percentile": metrics["percentile"]},
        "encoder": told["encoder"],
        "data_hash": told["data_hash"],
        "model": _half(package, metrics),
        "twin": None,
        "measured_against": None,
    }


def _half(package: Package, metrics: Mapping[str, Any]) -> dict[str, list[int]]:
    """Who took which part, by numbers that name nobody: the fitted ones are only counted."""
    calibrating = [row["drawing"] for row in json.loads(package.files[HEADER])["model"]]
    fitted = metrics["drawings"]["fit"]
    free = (-place for place in count(1) if -place not in calibrating)
    return {"fit": list(islice(free, fitted)), "borrowed": [], "calibration": calibrating}


def _card(
    span: AgeRange, model: ReferenceModel, package: Package, metrics: Mapping[str, Any]
) -> dict[str, Any]:
    least, greatest = _ages_of_drawings(package)
    told = package.manifest.card
    return {
        "title": f"Typical drawings of {span.words}",
        "intended_use": told["intended_use"],
        "population": f"drawings of {span.words}",
        "children": metrics["children"],
        "drawings": metrics["drawings"],
        "ages_of_drawings": {"least": least, "greatest": greatest},
        "encoder": model.encoder,
        "detector": model.model.detector.name,
        "measured_at": {name: metrics[name] for name in ("percentile", "attained_level")},
        "limits": [FROM_FOLDER, *told.get("notes", [])],
    }
