"""Networks by seed: trained on procedural drawings, or read where they were kept before."""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import safe_open

from deepmed.features.drawings.bench.pretraining.drawn import draw_lessons
from deepmed.learning.encoders.stroke_net.network import StrokeNet
from deepmed.learning.encoders.stroke_net.weights import (
    read_weights,
    to_bytes,
    weight_hash,
    weights_file,
    write_weights,
)
from deepmed.learning.pretraining.lessons import Recipe
from deepmed.learning.pretraining.training import pretrain

Step = Callable[[str], None]
DRAWINGS = "procedural-1"
"""Raise it when `things` or `drawn` make other drawings, so that kept weights are made anew."""
_TOLD = 20


@dataclass(frozen=True)
class Learned:
    """A trained network, and how it came about."""

    seed: int
    network: StrokeNet
    record: dict[str, Any]


def learned(recipe: Recipe, seed: int, folder: Path | None, step: Step) -> Learned:
    """The network of a seed: that of the folder where the same recipe made it, else a new one.

    Args:
        recipe: how it is trained.
        seed: of drawings, first weights, batches and views.
        folder: where weights are kept, `seed-N` for each; nowhere if None.
        step: told what is done now.
    """
    kept = None if folder is None else folder / f"seed-{seed}"
    made_by = json.dumps({"drawings": DRAWINGS, "seed": seed, **recipe.to_dict()}, sort_keys=True)
    if kept is not None and (record := _record(kept, made_by)) is not None:
        step(f"seed {seed}: weights of {kept.name} are taken")
        return Learned(seed, read_weights(kept), record)
    found = _trained(recipe, seed, step)
    if kept is not None:
        facts = {"recipe": made_by, "record": json.dumps(found.record)}
        write_weights(found.network, kept, facts)
    return found


def _trained(recipe: Recipe, seed: int, step: Step) -> Learned:
    begun = time.perf_counter()
    lessons = draw_lessons(recipe.drawings, seed, _some(step, f"seed {seed}: drawing"))
    drew = time.perf_counter()
    made = pretrain(lessons, recipe, seed, _some(step, f"seed {seed}: learning"))
    record = {
        "seed": seed,
        "steps": recipe.steps,
        "drawings": recipe.drawings,
        "drawing_seconds": round(drew - begun, 1),
        "learning_seconds": round(time.perf_counter() - drew, 1),
        "weight_hash": weight_hash(made.network),
        "weights": sum(one.numel() for one in made.network.parameters()),
        "file_bytes": len(to_bytes(made.network)),
        "curve": made.curve,
    }
    return Learned(seed, made.network, record)


def _record(kept: Path, made_by: str) -> dict[str, Any] | None:
    """What a file says about its making; None where it is not there or was made otherwise."""
    path = weights_file(kept)
    if not path.is_file():
        return None
    with safe_open(path, framework="pt") as file:
        facts = file.metadata() or {}
    if facts.get("recipe") != made_by:
        return None
    found: dict[str, Any] = json.loads(facts["record"])
    return found


def _some(step: Step, what: str) -> Callable[[int, int], None]:
    def told(done: int, total: int) -> None:
        if done * _TOLD // total > (done - 1) * _TOLD // total:
            step(f"{what}, {done} of {total}")

    return told
