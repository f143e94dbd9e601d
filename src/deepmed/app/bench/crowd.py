"""A data folder with many drawings: the samples with their models, and further ones beside them.

The further drawings have rows, vectors and answers of their own and share the samples' picture
files, so that a measurement of the database and the answers does not wait for pictures.
"""

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray

from deepmed.app.bench.platform.drawings import insert, new_drawing
from deepmed.core.home import Home
from deepmed.features.drawings.analysis.service import AnalysisService
from deepmed.features.drawings.importing.importer import DrawingImporter
from deepmed.features.drawings.models.config import GroupTrainingConfig
from deepmed.features.drawings.models.ranges import DEFAULT_PLAN, parse_groups
from deepmed.features.drawings.models.training import GroupTraining
from deepmed.features.drawings.samples.files import create_sample_drawings
from deepmed.features.drawings.tables import Drawing
from deepmed.features.drawings.workbench import Workbench
from deepmed.kit.seeds import generator

CHUNK = 2000
NOISE = 0.02
"""Of each element, in standard deviations of the vectors' own elements: like, never the same."""
Stage = Callable[[str, int, int], None]


def fill(home: Home, rows: int, seed: int, stage: Stage) -> list[int]:
    """Import and train the samples, add drawings up to `rows`, and analyse all; their ids."""
    bench = Workbench.of(home)
    stage("samples", 0, 4)
    _samples(home, bench, seed)
    stage("training", 1, 4)
    config = GroupTrainingConfig(detector="knn", seed=seed, planted_sources=4)
    GroupTraining(bench, config).train(parse_groups(DEFAULT_PLAN))
    stage("further drawings", 2, 4)
    _further(bench, rows, seed)
    stage("analyses", 3, 4)
    return [row.drawing_id for row in AnalysisService(bench).analyze().analyses]


def _samples(home: Home, bench: Workbench, seed: int) -> None:
    with TemporaryDirectory() as name:
        folder = Path(name) / "samples"
        create_sample_drawings(folder, seed)
        DrawingImporter(home.database, home.storage, home.settings, home.owner_id).import_source(
            folder
        )
    bench.pipeline.process_batch()


def _further(bench: Workbench, rows: int, seed: int) -> None:
    random = generator(seed, "bench", "crowd")
    with bench.database.read() as session:
        known = session.query(Drawing).order_by(Drawing.id).all()
        vectors, _ = bench.embeddings.retrieve_matrix(
            session, [drawing.id for drawing in known], bench.encoding.identity.key
        )
    for start in range(len(known), rows, CHUNK):
        _chunk(bench, known, vectors, range(start, min(start + CHUNK, rows)), random)


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
    ages = np.round(random.uniform(3, 12, len(numbers)), 1).tolist()
    with bench.database.write() as session:
        ids = insert(
            session,
            [
                _like(known[model], number, age)
                for number, model, age in zip(numbers, picked.tolist(), ages, strict=True)
            ],
        )
        bench.embeddings.batch_store_embeddings(
            session, dict(zip(ids, vectors[picked] + noise, strict=True)), bench.encoding.identity
        )


def _like(model: Drawing, number: int, age: float) -> Drawing:
    """A drawing of that age with another's subject and picture, by a child of its own."""
    digest = hashlib.sha256(f"crowd {number}".encode()).hexdigest()
    return new_drawing(
        model.owner_id,
        code=f"crowd {number}",
        filename=f"crowd_{number:06d}.png",
        original_name=f"crowd_{number:06d}.png",
        file_path=model.file_path,
        source_hash=digest,
        pixel_hash=digest[::-1],
        width=model.width,
        height=model.height,
        age_years=age,
        subject=model.subject,
        expert_label="normal",
        ink_coverage=model.ink_coverage,
    )
