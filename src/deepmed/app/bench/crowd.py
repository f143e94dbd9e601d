"""A data folder with many drawings: the samples with their models, and further ones beside them.

The further drawings have rows, vectors and answers of their own and share the samples' picture
files, so that a measurement of the database and the answers does not wait for pictures.
"""

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import insert

from deepmed.core.home import Home
from deepmed.features.drawings.analysis.service import AnalysisService
from deepmed.features.drawings.embeddings.serializer import EmbeddingSerializer
from deepmed.features.drawings.importing.importer import DrawingImporter
from deepmed.features.drawings.models.config import GroupTrainingConfig
from deepmed.features.drawings.models.ranges import DEFAULT_PLAN, parse_groups
from deepmed.features.drawings.models.training import GroupTraining
from deepmed.features.drawings.samples.files import create_sample_drawings
from deepmed.features.drawings.tables import Child, Drawing, DrawingEmbedding
from deepmed.features.drawings.workbench import Workbench
from deepmed.kit import clock
from deepmed.kit.seeds import generator

CHUNK = 2000
NOISE = 0.02
"""Of each element, in standard deviations of the vectors' own elements: like, never the same."""
Stage = Callable[[str, int, int], None]


def fill(home: Home, rows: int, seed: int, stage: Stage) -> Workbench:
    """Import and train the samples, add drawings up to `rows`, and analyse all of them."""
    bench = Workbench.of(home)
    stage("samples", 0, 4)
    _samples(home, bench, seed)
    stage("training", 1, 4)
    config = GroupTrainingConfig(detector="knn", seed=seed, planted_sources=4)
    GroupTraining(bench, config).train(parse_groups(DEFAULT_PLAN))
    stage("further drawings", 2, 4)
    _further(bench, rows, seed)
    stage("analyses", 3, 4)
    AnalysisService(bench).analyze()
    return bench


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
    identity = bench.encoding.identity
    with bench.database.write() as session:
        first = _last_id(session, Child) + 1
        session.execute(
            insert(Child),
            [
                {"id": first + place, "owner_id": bench.owner_id, "code": f"crowd {number}"}
                for place, number in enumerate(numbers)
            ],
        )
        drawing = _last_id(session, Drawing) + 1
        session.execute(
            insert(Drawing),
            [
                _drawing(known[model], number, ages[place])
                | {"id": drawing + place, "child_id": first + place, "owner_id": bench.owner_id}
                for place, (number, model) in enumerate(zip(numbers, picked.tolist(), strict=True))
            ],
        )
        session.execute(
            insert(DrawingEmbedding),
            [
                {
                    "drawing_id": drawing + place,
                    "encoder": identity.key,
                    "encoder_name": identity.name,
                    "encoder_version": identity.version,
                    "weight_hash": identity.weight_hash,
                    "preprocessing_version": identity.preprocessing_version,
                    "vector_dimension": len(vector),
                    "vector_hash": EmbeddingSerializer.compute_embedding_hash(vector),
                    "embedding_vector": EmbeddingSerializer.serialize_embedding(vector),
                    "created_timestamp": clock.now(),
                }
                for place, vector in enumerate(vectors[picked] + noise)
            ],
        )


def _drawing(model: Drawing, number: int, age: float) -> dict[str, Any]:
    digest = hashlib.sha256(f"crowd {number}".encode()).hexdigest()
    return {
        "filename": f"crowd_{number:06d}.png",
        "original_name": f"crowd_{number:06d}.png",
        "file_path": model.file_path,
        "source_hash": digest,
        "pixel_hash": digest[::-1],
        "width": model.width,
        "height": model.height,
        "age_years": age,
        "age_precision": "decimal",
        "subject": model.subject,
        "expert_label": "normal",
        "ink_coverage": model.ink_coverage,
        "is_blank": False,
        "withdrawn": False,
        "upload_timestamp": clock.now(),
    }


def _last_id(session: Any, table: type[Child] | type[Drawing]) -> int:
    found: int | None = session.query(table.id).order_by(table.id.desc()).limit(1).scalar()
    return found or 0
