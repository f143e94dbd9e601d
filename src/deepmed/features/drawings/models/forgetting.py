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
from deepmed.features.drawings.models.figure_keys import figure_key
from deepmed.features.drawings.models.file_names import ITEMS_FILE
from deepmed.features.drawings.models.present import as_present, look_up
from deepmed.features.drawings.tables import AgeGroupModel
from deepmed.features.drawings.workbench import Workbench
from deepmed.kit.errors import ConflictError, IntegrityError
from deepmed.learning.calibration import CalibrationSet
from deepmed.learning.reference.files import HEADER

GONE = "Drawings were deleted or given to another child since this was measured. Train again."
LIMIT = (
    "Drawings were deleted or given to another child since this model was trained: their scores "
    "were forgotten or moved. Train again."
)

MOST_TURNS = 10


@dataclass(frozen=True)
class Forgotten:
    """What a revision did: the models by their ids."""

    revised: list[int]
    damaged: list[int]
    """Their files are not what was signed, so they are never loaded, and never signed again."""


def complete(bench: Workbench) -> Forgotten:
    """Revise every model whose files still name deleted drawings, or drawings at a former child.

    Run it after a deletion; run again, it finishes what a stop left undone. Models that never
    learned from a drawing may name it too: they were tested on their neighbours' drawings.
    """
    with bench.database.read() as session:
        rows = [
            (row, session.get_one(Artifact, row.artifact_id).uid)
            for row in repository.all_models(session, bench.owner_id)
        ]
    found = Forgotten([], [])
    for row, uid in rows:
        try:
            if _revise_in_turn(bench, row, uid):
                found.revised.append(row.id)
        except IntegrityError:
            found.damaged.append(row.id)
    return found


def outdated(session: Session, files: Mapping[str, bytes]) -> bool:
    """Whether files name somebody who was deleted, or a drawing at a former child."""
    return not _same(as_present(files, look_up(session, files)), files)


def _revise_in_turn(bench: Workbench, row: AgeGroupModel, uid: str) -> bool:
    """Another deletion may revise the same model: what it signed is then revised in its turn."""
    for _ in range(MOST_TURNS):
        try:
            return _revise(bench, row, uid)
        except ConflictError:
            continue
    return _revise(bench, row, uid)


def _revise(bench: Workbench, row: AgeGroupModel, uid: str) -> bool:
    package = bench.registry.package(uid)
    with bench.database.read() as session:
        kept = as_present(package.files, look_up(session, package.files, row.id))
    if _same(kept, package.files):
        return False
    # First what the revision does not hold: after a stop in between, the next call does both.
    bench.storage.delete(figure_key(uid))
    metrics = _metrics(package.manifest.metrics, package.files, kept)
    with bench.database.write() as session:
        repository.set_parameter(
            session, row.id, "tells_ages_apart", metrics.get("tells_ages_apart")
        )
    bench.registry.revise(
        uid,
        {name: kept[name] for name in (HEADER, ITEMS_FILE)},
        reason=f"drawings of model {row.id} were deleted or given to another child",
        metrics=metrics,
        card=_card(package.manifest.card, metrics),
    )
    return True


def _same(first: Mapping[str, bytes], second: Mapping[str, bytes]) -> bool:
    return all(json.loads(first[name]) == json.loads(second[name]) for name in (HEADER, ITEMS_FILE))


def _metrics(
    metrics: Mapping[str, Any], before: Mapping[str, bytes], after: Mapping[str, bytes]
) -> dict[str, Any]:
    """Figures that the remaining children decide; those that cannot be kept are null with why."""
    rows = json.loads(after[HEADER])["model"]
    calibration = CalibrationSet(
        np.array([row["score"] for row in rows], dtype=np.float64), [row["child"] for row in rows]
    )
    percentile = metrics["percentile"]
    return {
        **metrics,
        **_gone(metrics, _changed(before, after)),
        "forgotten": sorted({*metrics.get("forgotten", []), *_altered(before, after)}),
        "children": {**metrics["children"], "calibration": calibration.n_children},
        "drawings": {**metrics["drawings"], "calibration": len(calibration)},
        "supported": calibration.supports(percentile),
        "highest_percentile": calibration.highest_percentile(),
        "threshold": calibration.threshold(percentile),
        "attained_level": calibration.attained_level(percentile),
    }


def _changed(before: Mapping[str, bytes], after: Mapping[str, bytes]) -> set[str]:
    """The lists of items that are shorter now: `own` counts without the fitting children."""
    first, second = (_items(files) for files in (before, after))
    return {name for name, items in first.items() if items != second[name]}


def _altered(before: Mapping[str, bytes], after: Mapping[str, bytes]) -> set[str]:
    """The lists that are not what they were: what rests on them cannot be counted again."""
    first, second = (
        {**json.loads(files[HEADER]), **json.loads(files[ITEMS_FILE])} for files in (before, after)
    )
    return {name for name, rows in first.items() if isinstance(rows, list) and rows != second[name]}


def _items(files: Mapping[str, bytes]) -> dict[str, Any]:
    items: dict[str, Any] = json.loads(files[ITEMS_FILE])
    tested = [item for item in items["own"] if item["role"] != "fit"]
    return {**items, "own": tested, "calibration": json.loads(files[HEADER])["model"]}


def _gone(metrics: Mapping[str, Any], changed: set[str]) -> dict[str, Any]:
    none = {"estimate": None, "low": None, "high": None, "reason": GONE}
    gone: dict[str, Any] = {}
    if changed & {"calibration", "planted"}:
        gone = {
            "planted": none,
            "power": dict.fromkeys(metrics.get("power", {}), none),
            "contamination": [
                {**row, "flagged": none, "flagged_without_contamination": none}
                for row in metrics.get("contamination", [])
            ],
        }
    if changed & {"own", "neighbours"}:
        gone["age_specificity"] = none
    if "age_specificity" in gone and metrics.get("tells_ages_apart"):
        gone["tells_ages_apart"] = False  # nothing shows it any more
    return {name: value for name, value in gone.items() if metrics.get(name)}


def _card(card: Mapping[str, Any], metrics: Mapping[str, Any]) -> dict[str, Any]:
    limits = [limit for limit in card["limits"] if limit != LIMIT]
    counts = {name: metrics[name] for name in ("children", "drawings")}
    return {**card, **counts, "limits": [*limits, LIMIT]}
