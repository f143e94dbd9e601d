"""A data folder with many drawings: the samples with their models, and further ones beside them.

The further drawings have rows, vectors and answers of their own and share the samples' picture
files, so that a measurement of the database and the answers does not wait for pictures. Everything
else is what the product itself left there: jobs that were done, models that were trained twice,
answers of both generations.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deepmed.app.bench import past
from deepmed.app.bench.platform.drawings import insert, new_drawing
from deepmed.app.bench.worker import Worker
from deepmed.core.home import Home
from deepmed.features.drawings.importing.importer import DrawingImporter
from deepmed.features.drawings.models.activation import put_into_use
from deepmed.features.drawings.models.config import GroupTrainingConfig
from deepmed.features.drawings.models.ranges import DEFAULT_PLAN, parse_groups
from deepmed.features.drawings.models.repository import all_models
from deepmed.features.drawings.models.training import GroupTraining, Use
from deepmed.features.drawings.samples.files import METADATA, create_sample_drawings
from deepmed.features.drawings.tables import Child, Drawing
from deepmed.features.drawings.workbench import Workbench
from deepmed.kit.seeds import generator

CHUNK = 2000
NOISE = 0.02
"""Of each element, in standard deviations of the vectors' own elements: like, never the same."""
A_CHILD = 4
"""Drawings by each of the further children, half a year apart."""
MARKS: tuple[tuple[int, dict[str, Any]], ...] = (
    (20, {"subject": None}),
    (40, {"expert_label": "concern"}),
    (150, {"withdrawn": True}),
    (200, {"expert_label": "severe"}),
)
"""Every so many drawings one that is no typical one of a known subject."""
LATER = "mahalanobis"
"""The detector of the models that come into use when all drawings have been analysed once."""
SOURCES = 4
"""Drawings that anomalies are planted into: the figures of a model are not what is measured."""
Stage = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Filled:
    """What a filled folder can be asked for, by the names of places in addresses."""

    places: Mapping[str, Sequence[object]]


def fill(home: Home, rows: int, seed: int, stage: Stage) -> Filled:
    """Import and train the samples, add drawings up to `rows`, and train and analyse all."""
    bench, worker = Workbench.of(home), Worker.of(home)
    steps = _Steps(stage)
    with TemporaryDirectory() as name:
        folder = Path(name) / "samples"
        steps.next("samples")
        _samples(home, bench, folder, seed)
        steps.next("models")
        _train(bench, "knn", Use.REPLACE, seed)
        _train(bench, LATER, Use.CANDIDATE, seed)
        steps.next("a training, a comparison and a backup")
        past.begin(home, worker, folder, METADATA, seed)
    steps.next("further drawings")
    _further(bench, rows, seed)
    steps.next("answers of the first models")
    worker.do("drawings.analyze", {})
    steps.next("answers of later models")
    _take_candidates(bench)
    worker.do("drawings.analyze", {})
    steps.next("batches, notes and further rows")
    return Filled(past.leave(home, worker, seed) | _fixed(rows))


def _fixed(rows: int) -> dict[str, list[object]]:
    """Places that stand for no row: ages, pages, a component."""
    pages, tiles = rows // 20, rows // 36
    return {
        "age_min": [6],
        "age_max": [9],
        "age_group": ["6-9"],
        "component_name": ["database"],
        "middle": [max(1, pages // 2)],
        "last": [max(1, pages)],
        "middle_page": [max(1, tiles // 2)],
    }


class _Steps:
    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._done = 0

    def next(self, what: str) -> None:
        self._stage(what, self._done, STEPS)
        self._done += 1


STEPS = 8
"""Of filling a folder and asking it."""


def _samples(home: Home, bench: Workbench, folder: Path, seed: int) -> None:
    create_sample_drawings(folder, seed)
    DrawingImporter(home.database, home.storage, home.settings, home.owner_id).import_source(folder)
    bench.pipeline.process_batch()


def _train(bench: Workbench, detector: str, use: Use, seed: int) -> None:
    config = GroupTrainingConfig(detector=detector, seed=seed, planted_sources=SOURCES)
    GroupTraining(bench, config).train(parse_groups(DEFAULT_PLAN), use)


def _take_candidates(bench: Workbench) -> None:
    """The models that were tried out take the place of those in use."""
    with bench.database.write() as session:
        rows = all_models(session, bench.owner_id)
        later = [row for row in rows if row.model_type == LATER and not row.is_active]
        put_into_use(session, bench.owner_id, later)


def _further(bench: Workbench, rows: int, seed: int) -> None:
    random = generator(seed, "bench", "crowd")
    with bench.database.read() as session:
        known = session.query(Drawing).order_by(Drawing.id).all()
        vectors, _ = bench.embeddings.retrieve_matrix(
            session, [drawing.id for drawing in known], bench.encoding.identity.key
        )
    for start in range(0, rows - len(known), CHUNK):
        _chunk(bench, known, vectors, range(start, min(start + CHUNK, rows - len(known))), random)


def _chunk(
    bench: Workbench,
    known: Sequence[Drawing],
    vectors: NDArray[np.float32],
    numbers: range,
    random: np.random.Generator,
) -> None:
    picked = random.integers(len(known), size=len(numbers))
    size = (len(numbers), vectors.shape[1])
    noise = (NOISE * vectors.std() * random.standard_normal(size)).astype(np.float32)
    children = {
        number // A_CHILD: Child(owner_id=bench.owner_id, code=f"crowd {number // A_CHILD}")
        for number in numbers
    }
    first = dict(zip(children, random.uniform(3, 10.5, len(children)).tolist(), strict=True))
    with bench.database.write() as session:
        ids = insert(
            session,
            [
                _like(
                    known[model],
                    number,
                    children[number // A_CHILD],
                    round(first[number // A_CHILD] + 0.5 * (number % A_CHILD), 1),
                )
                for number, model in zip(numbers, picked.tolist(), strict=True)
            ],
        )
        bench.embeddings.batch_store_embeddings(
            session, dict(zip(ids, vectors[picked] + noise, strict=True)), bench.encoding.identity
        )


def _like(model: Drawing, number: int, child: Child, age: float) -> Drawing:
    """A drawing by that child at that age, with another's subject and picture."""
    digest = hashlib.sha256(f"crowd {number}".encode()).hexdigest()
    facts: dict[str, Any] = {
        "filename": f"crowd_{number:06d}.png",
        "original_name": f"crowd_{number:06d}.png",
        "file_path": model.file_path,
        "source_hash": digest,
        "pixel_hash": digest[::-1],
        "width": model.width,
        "height": model.height,
        "age_years": age,
        "subject": model.subject,
        "expert_label": "normal",
        "ink_coverage": model.ink_coverage,
    }
    for every, marks in MARKS:
        if number % every == every - 1:
            facts |= marks
    drawing = new_drawing(model.owner_id, **facts)
    drawing.child = child
    return drawing
