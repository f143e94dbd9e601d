"""Encoders compared on the owner's own drawings."""

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from deepmed.features.drawings.bench.encoders import candidates
from deepmed.features.drawings.encoders import tasks, verdicts
from deepmed.features.drawings.encoders.material import Image, Material, gather
from deepmed.features.drawings.encoders.tasks import (
    CONSTANT,
    ENCODER,
    NOTHING,
    PLAIN,
    People,
    Task,
    Terms,
    View,
)
from deepmed.features.drawings.workbench import Workbench
from deepmed.learning.detectors.folds import PlantedItem
from deepmed.learning.detectors.reference_features import ReferenceRow, reference_rows
from deepmed.learning.encoders import Encoder
from deepmed.learning.errors import LearningError

FORMAT = 1
INK_AND_BOX = "ink and box"
TIMED, REPEATS = 16, 3
NOT_HERE = "It cannot be run here: its weights are not on this machine, or its name is unknown."
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Comparison:
    """What was compared on what, and what came of it."""

    present: str
    material: Material
    tasks: list[Task]
    speed: dict[str, float]
    """Milliseconds an image by encoder."""
    keys: dict[str, str]
    left_out: dict[str, str]
    """Encoders that could not be compared, with the reason."""
    seed: int

    def to_dict(self) -> dict[str, Any]:
        rows = self.material.rows
        return {
            "format": FORMAT,
            "present": self.present,
            "seed": self.seed,
            "drawings": len(rows),
            "children": len(np.unique(rows.children)),
            "children_kept_back": self.material.kept_back,
            "planted": len(self.material.planted.images),
            "encoders": [
                {"name": name, "encoder": key, "ms_an_image": self.speed[name]}
                for name, key in self.keys.items()
            ],
            "left_out": [{"name": name, "reason": why} for name, why in self.left_out.items()],
            "tasks": [
                {**task.to_dict(), "verdict": verdicts.of_task(task, self.present)}
                for task in self.tasks
            ],
            "verdict": verdicts.overall(self.tasks, self.present),
        }


def compare(
    bench: Workbench, names: Sequence[str] | None, seed: int, progress: Progress
) -> Comparison:
    """Compare the present encoder with others on drawings that may be learned from.

    Vectors that are missing are made and kept, so that a comparison that was stopped goes on.

    Args:
        bench: the owner's data, with the encoder of the settings.
        names: the others; None takes all that this machine can run.
        seed: of the sample, what is planted, folds and resamples.
        progress: told (what, done, total); may raise to stop.

    Raises:
        InsufficientDataError: too few children.
    """
    present = bench.settings.encoder
    benches, left_out = _benches(bench, names)
    for name, one in benches.items():
        one.pipeline.process_batch(partial(progress, f"Embedding with {name}"))
    progress("Planting anomalies", 0, 1)
    material = gather(bench, seed)
    views, speed = [], {}
    for place, (name, one) in enumerate(benches.items()):
        progress("Looking at drawings", place, len(benches))
        views.append(_view(name, one, material))
        speed[name] = _milliseconds(one.encoding.encoder, material.images)
    views += _plain_views(material, seed)
    return Comparison(
        present,
        material,
        _answered(views, material, Terms.of(present, views, seed), progress),
        speed,
        {name: one.encoding.identity.key for name, one in benches.items()},
        left_out,
        seed,
    )


def _benches(
    bench: Workbench, names: Sequence[str] | None
) -> tuple[dict[str, Workbench], dict[str, str]]:
    """A workbench for each encoder that can be run, the present one first."""
    present = bench.settings.encoder
    others = [one.name for one in candidates(bench.settings)] if names is None else names
    found, left_out = {present: bench}, {}
    for name in dict.fromkeys(others):
        other = bench.with_encoder(name)
        try:
            other.encoding.identity  # noqa: B018 - the property reads the weights
        except LearningError as error:
            left_out[name] = NOT_HERE if names is None else str(error)
            continue
        keys = {one.encoding.identity.key for one in found.values()}
        if other.encoding.identity.key not in keys:
            found[name] = other
    return found, left_out


def _view(name: str, bench: Workbench, material: Material) -> View:
    with bench.database.read() as session:
        drawings, ids = bench.embeddings.retrieve_matrix(
            session, material.rows.drawings.tolist(), bench.encoding.identity.key
        )
    place = np.searchsorted(ids, material.rows.drawings)
    planted = bench.encoding.encoder.embed(material.planted.images)
    return View(
        name, ENCODER, drawings[place].astype(np.float64), np.asarray(planted, dtype=np.float64)
    )


def _plain_views(material: Material, seed: int) -> list[View]:
    plain: dict[str, ReferenceRow] = reference_rows(material.images, material.planted.images, seed)
    row = plain[INK_AND_BOX]
    return [
        View(INK_AND_BOX, PLAIN, row.originals, row.planted),
        View(NOTHING, CONSTANT, None, None),
    ]


def _answered(
    views: Sequence[View], material: Material, terms: Terms, progress: Progress
) -> list[Task]:
    rows = material.rows
    people = People(rows.children, rows.ages, rows.subjects)
    place = {drawing: row for row, drawing in enumerate(rows.drawings.tolist())}
    planted = material.planted.planted
    items = [
        PlantedItem(np.zeros(1), place[source], kind)
        for source, kind in zip(planted.rows.drawings.tolist(), planted.kinds, strict=True)
    ]
    progress("Finding subjects", 0, 3)
    found = [tasks.retrieval(views, people, terms)]
    progress("Telling ages", 1, 3)
    found += tasks.ages(views, people, terms)
    progress("Finding planted anomalies", 2, 3)
    found.append(tasks.one_class(views, people, items, terms))
    progress("Done", 3, 3)
    return found


def _milliseconds(encoder: Encoder, images: Sequence[Image]) -> float:
    """The median of some runs over a few pictures in memory, after one that is not counted."""
    some = list(images[:TIMED])
    encoder.embed(some)
    took = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        encoder.embed(some)
        took.append(1000 * (time.perf_counter() - start) / len(some))
    return round(statistics.median(took), 2)
