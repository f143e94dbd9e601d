"""The same answer in another process and from a copied artefact."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.numpy

from deepmed.core.registry.folders import load_folder
from deepmed.core.registry.tables import Artifact
from deepmed.features.drawings.analysis.service import AnalysisService
from deepmed.features.drawings.models.eligibility import find
from deepmed.features.drawings.models.manager import ModelManager
from deepmed.features.drawings.tables import AnomalyAnalysis
from deepmed.features.drawings.workbench import Workbench
from deepmed.kit.errors import IntegrityError
from deepmed.learning.reference import from_files
from factories.drawings import Sketch, add_drawings, embed

TESTS = Path(__file__).parents[3]
ANALYSE = """
import json, sys
from pathlib import Path
from factories.homes import open_bench
from deepmed.features.drawings.analysis.service import AnalysisService
rows = AnalysisService(open_bench(Path(sys.argv[1]))).analyze().analyses
print(json.dumps({
    row.drawing_id: [row.anomaly_score, row.p_value, row.is_anomaly, row.decision, row.results]
    for row in rows
}))
"""


def answers(rows: list[AnomalyAnalysis]) -> dict[str, Any]:
    made = {
        row.drawing_id: [row.anomaly_score, row.p_value, row.is_anomaly, row.decision, row.results]
        for row in rows
    }
    plain: dict[str, Any] = json.loads(json.dumps(made))
    return plain


def with_newcomers(bench: Workbench) -> Workbench:
    add_drawings(bench, [Sketch(age=7.2, picture=50 + place) for place in range(6)])
    embed(bench)
    return bench


@pytest.mark.req("D-23.1", "D-10.4")
def test_another_process_with_other_threads_gives_the_same_answers(
    trained: Workbench, tmp_path: Path
) -> None:
    with_newcomers(trained)
    copy = tmp_path / "copy"
    shutil.copytree(trained.settings.home, copy)
    here = answers(AnalysisService(trained).analyze().analyses)
    done = subprocess.run(
        [sys.executable, "-c", ANALYSE, str(copy)],
        env=os.environ | {"PYTHONPATH": str(TESTS), "OMP_NUM_THREADS": "2"},
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    there = json.loads(done.stdout)
    assert len(here) == 155
    assert there == here


@pytest.mark.req("D-23.1")
def test_a_copied_artefact_scores_and_decides_as_the_stored_answers(
    trained: Workbench, tmp_path: Path
) -> None:
    with_newcomers(trained)
    rows = AnalysisService(trained).analyze().analyses
    key = trained.encoding.identity.key
    public_key = trained.registry.keys.public_key
    compared = 0
    with trained.database.read() as session:
        everyone = find(session, trained.embeddings, key).rows
        place = {drawing: index for index, drawing in enumerate(everyone.drawings.tolist())}
        for model_row in ModelManager(trained).active(session):
            uid = session.get_one(Artifact, model_row.artifact_id).uid
            folder = trained.registry.copy_to(uid, tmp_path / uid)
            model = from_files(load_folder(folder, public_key).files)
            scores = {twin: model.score(everyone, key, twin=twin) for twin in (False, True)}
            for row in rows:
                if row.age_group_model_id != model_row.id or row.drawing_id not in place:
                    continue
                index = place[row.drawing_id]
                child = int(everyone.children[index])
                twin = row.results["ranked_by"] == "twin"
                decision = model.decide(float(scores[twin][index]), child, 95.0)
                assert row.anomaly_score is not None
                assert abs(row.anomaly_score - scores[twin][index]) <= 1e-9 * max(
                    1.0, row.anomaly_score
                )
                assert decision.to_dict() == row.results["ranking"]
                compared += 1
    assert compared > 145


@pytest.mark.req("D-23.1")
def test_a_copied_artefact_with_a_changed_byte_is_refused(
    trained: Workbench, tmp_path: Path
) -> None:
    with trained.database.read() as session:
        row = ModelManager(trained).active(session)[0]
        uid = session.get_one(Artifact, row.artifact_id).uid
    folder = trained.registry.copy_to(uid, tmp_path / "copy")
    weights = folder / "model.weights.safetensors"
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(bytes(content))
    with pytest.raises(IntegrityError, match=r"model\.weights\.safetensors"):
        load_folder(folder, trained.registry.keys.public_key)


@pytest.mark.req("D-23.1")
def test_the_score_comes_from_the_stored_float32_vector_computed_in_float64(
    trained: Workbench,
) -> None:
    """Counted again by hand: the mean distance to the nearest standardised fitting drawings."""
    with trained.database.read() as session:
        row = ModelManager(trained).active(session)[0]
        uid = session.get_one(Artifact, row.artifact_id).uid
        files = trained.registry.load(uid)
        arrays = safetensors.numpy.load(files["model.weights.safetensors"])
        model = from_files(files)
        everyone = find(session, trained.embeddings, model.encoder).rows
    record = json.loads(files["model.detector.json"])
    wide = np.column_stack([everyone.vectors.astype(np.float64), everyone.ages])
    assert arrays["mean"].dtype == np.float64
    assert everyone.vectors.dtype == np.float32
    standard = (wide - arrays["mean"]) / arrays["scale"]
    standard /= np.sqrt(1 + (standard / arrays["limit"]) ** 2)
    distances = np.linalg.norm(standard[:, None] - arrays["references"][None], axis=2)
    nearest = np.sort(distances, axis=1)[:, : record["parameters"]["neighbors"]].mean(axis=1)
    found = model.score(everyone, model.encoder)
    np.testing.assert_allclose(found, nearest, rtol=1e-9)
