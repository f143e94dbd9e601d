"""Who took part in a model, and how: the rows that stand beside its artefact."""

from collections.abc import Iterable
from typing import Any

import numpy as np

from deepmed.kit.digests import json_digest
from deepmed.learning.reference import GroupPlan, Half, ReferenceModel, Rows

MEMBER_REVISION = "member_revision"
"""The name among a model's parameters of the revision that its training made."""

Part = tuple[int, int, str | None, str | None]
"""A drawing, its child, its part in the model and its part in the twin."""


def revision_of(parts: Iterable[Part]) -> str:
    """Changes whenever a drawing leaves a model or is given to another child."""
    return json_digest(sorted(parts))[:16]


def parts_of(members: Iterable[dict[str, Any]]) -> list[Part]:
    return [(m["drawing_id"], m["child_id"], m["part"], m["twin_part"]) for m in members]


def membership(plan: GroupPlan, model: ReferenceModel) -> list[dict[str, Any]]:
    """One row a drawing: its part in the model and in the twin, and its calibration scores."""
    rows: dict[int, dict[str, Any]] = {}
    halves = [("part", "score", plan.model, model.model)]
    if plan.twin and model.twin:
        halves.append(("twin_part", "twin_score", plan.twin, model.twin))
    for part, score, half, reference in halves:
        scores = dict(
            zip(
                reference.calibration_drawings.tolist(),
                np.asarray(reference.calibration.scores).tolist(),
                strict=True,
            )
        )
        for name, members in _parts(half):
            pairs = zip(members.drawings.tolist(), members.children.tolist(), strict=True)
            for drawing, child in pairs:
                row = rows.setdefault(drawing, _member(drawing, child))
                row[part] = name
                row[score] = scores.get(drawing) if name == "calibration" else None
    return list(rows.values())


def _parts(half: Half) -> list[tuple[str, Rows]]:
    return [
        ("fit", half.fit),
        ("borrowed", half.borrowed),
        ("calibration", half.calibration),
    ]


def _member(drawing: int, child: int) -> dict[str, Any]:
    return {
        "drawing_id": drawing,
        "child_id": child,
        "part": None,
        "twin_part": None,
        "score": None,
        "twin_score": None,
    }
