"""The hash of everything that decides a model: the same recipe is never trained twice."""

import hashlib
import json
from typing import Any

from deepmed.learning.reference import GroupPlan, Half, Rows

VERSION = 2
"""Raised when the method changes, so that old models are not taken for new ones."""


def recipe(
    content: dict[str, Any], plan: GroupPlan, vector_hashes: dict[int, str]
) -> dict[str, Any]:
    """What decides a model: its settings, who took which part, and their vectors."""
    return {
        **content,
        "version": VERSION,
        "model": _half(plan.model),
        "twin": plan.twin and _half(plan.twin),
        "data_hash": data_hash(plan, vector_hashes),
    }


def recipe_hash(recipe: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(recipe, sort_keys=True).encode()).hexdigest()


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
    return hashlib.sha256(json.dumps(rows).encode()).hexdigest()


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
