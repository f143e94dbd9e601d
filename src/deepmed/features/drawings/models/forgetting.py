"""What a deletion leaves to do in the models: their files must forget the drawings too (D-30).

A model's files are signed, so they are revised as a whole. Between the deletion and the revision a
model that is loaded forgets in memory, so that no deleted child ever ranks anybody.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from sqlalchemy.orm import Session

from deepmed.core.registry.tables import Artifact
from deepmed.features.drawings.models import repository
from deepmed.features.drawings.models.fitting import ITEMS_FILE
from deepmed.features.drawings.tables import AgeGroupModel
from deepmed.features.drawings.workbench import Workbench
from deepmed.learning.calibration import CalibrationSet
from deepmed.learning.reference.files import HEADER

GONE = "A child was deleted since this was measured. Train again."
MEASURED = ("planted", "age_specificity")


@dataclass(frozen=True)
class Alive:
    """The drawings and children that still exist, of those that a model names."""

    drawings: frozenset[int]
    children: frozenset[int]


def alive(session: Session, files: Mapping[str, bytes]) -> Alive:
    """Look up who of a model's drawings and children is still there."""
    header, items = json.loads(files[HEADER]), json.loads(files[ITEMS_FILE])
    rows = [
        *header["model"],
        *(header["twin"] or []),
        *(i for part in items.values() for i in part),
    ]
    children = {row["child"] for row in rows} | set(header["fit_children"])
    return Alive(
        repository.existing_drawings(session, {row["drawing"] for row in rows}),
        repository.existing_children(session, children),
    )


def without_deleted(files: Mapping[str, bytes], there: Alive) -> dict[str, bytes]:
    """The same files without anything of deleted drawings and children."""
    header, items = json.loads(files[HEADER]), json.loads(files[ITEMS_FILE])
    for half in (header["model"], header["twin"] or [], *items.values()):
        half[:] = [row for row in half if row["drawing"] in there.drawings]
    for part in ("fit_children", "borrowed_children"):
        header[part] = [child for child in header[part] if child in there.children]
    return {
        **files,
        HEADER: json.dumps(header, indent=1, sort_keys=True).encode(),
        ITEMS_FILE: json.dumps(items).encode(),
    }


def complete(bench: Workbench) -> list[int]:
    """Revise every model whose files still name deleted drawings; returns the models' ids.

    Run it after a deletion; run again, it finishes what a stop left undone.
    """
    with bench.database.read() as session:
        rows = [
            (row, session.get_one(Artifact, row.artifact_id).uid)
            for row in repository.all_models(session, bench.owner_id)
            if row.needs_retraining
        ]
    return [row.id for row, uid in rows if _revise(bench, row, uid)]


def _revise(bench: Workbench, row: AgeGroupModel, uid: str) -> bool:
    package = bench.registry.package(uid)
    with bench.database.read() as session:
        kept = without_deleted(package.files, alive(session, package.files))
    if kept == package.files or _same(kept, package.files):
        return False
    metrics = _metrics(package.manifest.metrics, kept)
    bench.registry.revise(
        uid,
        {name: kept[name] for name in (HEADER, ITEMS_FILE)},
        reason=f"drawings of model {row.id} were deleted",
        metrics=metrics,
    )
    return True


def _same(first: Mapping[str, bytes], second: Mapping[str, bytes]) -> bool:
    return all(json.loads(first[name]) == json.loads(second[name]) for name in (HEADER, ITEMS_FILE))


def _metrics(metrics: Mapping[str, Any], files: Mapping[str, bytes]) -> dict[str, Any]:
    """Figures that the remaining children decide; those that cannot be kept are null with why."""
    rows = json.loads(files[HEADER])["model"]
    calibration = CalibrationSet(
        np.array([row["score"] for row in rows], dtype=np.float64), [row["child"] for row in rows]
    )
    percentile = metrics["percentile"]
    gone = {"estimate": None, "low": None, "high": None, "reason": GONE}
    kept = {name: gone for name in MEASURED if metrics.get(name)}
    return {
        **metrics,
        **kept,
        "power": dict.fromkeys(metrics.get("power", {}), gone),
        "children": {**metrics["children"], "calibration": calibration.n_children},
        "drawings": {**metrics["drawings"], "calibration": len(calibration)},
        "supported": calibration.supports(percentile),
        "highest_percentile": calibration.highest_percentile(),
        "threshold": calibration.threshold(percentile),
        "attained_level": calibration.attained_level(percentile),
    }
