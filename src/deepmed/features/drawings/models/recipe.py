"""The hash of everything that decides a model: the same recipe is never trained twice."""

from typing import Any

from deepmed.features.drawings.models.surroundings import Surroundings
from deepmed.kit.digests import json_digest
from deepmed.learning.reference import GroupPlan, Half, Rows

VERSION = 2
"""Raised when the method changes, so that old models are not taken for new ones.

The versions of deepmed and of the libraries are no part of a recipe: an update would have every
model trained again, and nearly none moves a figure beyond rounding. They stand in the artefact's
provenance, and `deepmed runs reproduce` measures what an update did.
"""


def recipe(
    content: dict[str, Any],
    plan: GroupPlan,
    vector_hashes: dict[int, str],
    around: Surroundings | None = None,
) -> dict[str, Any]:
    """What decides a model and its figures.

    Args:
        content: its settings.
        plan: who took which part.
        vector_hashes: of every drawing that may train.
        around: drawings of other groups that it is measured against; None for the pooled model.
    """
    return {
        **content,
        "version": VERSION,
        "model": _half(plan.model),
        "twin": plan.twin and _half(plan.twin),
        "data_hash": data_hash(plan, vector_hashes),
        "measured_against": around and _against(around, vector_hashes),
    }


def recipe_hash(recipe: dict[str, Any]) -> str:
    return json_digest(recipe)


def same_model(first: dict[str, Any], second: dict[str, Any]) -> bool:
    """Whether two recipes make the same model, whatever its figures are measured against."""
    bare = [{**one, "measured_against": None} for one in (first, second)]
    return recipe_hash(bare[0]) == recipe_hash(bare[1])


def data_hash(plan: GroupPlan, vector_hashes: dict[int, str]) -> str:
    """SHA-256 over every row that the plan uses: drawing, child, age, subject and vector."""
    halves = [plan.model, *([plan.twin] if plan.twin else [])]
    rows = sorted(
        {
            row
            for half in halves
            for part in (half.fit, half.borrowed, half.calibration)
            for row in _rows(part, vector_hashes)
        }
    )
    return json_digest(rows)


def _against(around: Surroundings, vector_hashes: dict[int, str]) -> dict[str, str]:
    """In the order of the rows: it decides which of the donors are drawn."""
    sets = {"neighbours": around.neighbours} | {
        f"donors of part {part}": rows for part, rows in around.donors.items()
    }
    return {name: json_digest(_rows(rows, vector_hashes)) for name, rows in sets.items()}


def _half(half: Half) -> dict[str, list[int]]:
    return {
        "fit": half.fit.drawings.tolist(),
        "borrowed": half.borrowed.drawings.tolist(),
        "calibration": half.calibration.drawings.tolist(),
    }


def _rows(part: Rows, vector_hashes: dict[int, str]) -> list[tuple[int, int, float, int, str]]:
    return [
        (drawing, child, age, subject, vector_hashes[drawing])
        for drawing, child, age, subject in zip(
            part.drawings.tolist(),
            part.children.tolist(),
            part.ages.tolist(),
            part.subjects.tolist(),
            strict=True,
        )
    ]
