"""What a fresh server loads for pages and routes that only show what is stored."""

import json
import os
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

from deepmed.features.drawings.analysis.service import AnalysisService
from factories.homes import open_bench

PROGRAM = """
import json, os, sys
from fastapi.testclient import TestClient
from sqlalchemy import select
from deepmed.app import open_home
from deepmed.app.server import create_app
from deepmed.features.drawings.tables import AgeGroupModel, AnalysisBatch, AnomalyAnalysis, Child
from deepmed.learning.encoders import built_in
from deepmed.learning.encoders.identity import EncoderIdentity

given = json.load(sys.stdin)
identity = EncoderIdentity(**given["identity"])
built_in.IDENTITIES = {identity.name: lambda: identity}
HEAVY = {"torch", "sklearn", "transformers", "skops"}
with open_home() as home:
    client = TestClient(
        create_app(home, peers=lambda *_: os.geteuid()), base_url="http://localhost:8000"
    )
    with home.database.read() as session:
        row = session.scalars(
            select(AnomalyAnalysis).where(AnomalyAnalysis.anomaly_score.is_not(None))
        ).first()
        ids = {
            "analysis": row.id,
            "drawing": row.drawing_id,
            "model": session.scalars(select(AgeGroupModel.id)).first(),
            "child": session.scalars(select(Child.id)).first(),
            "batch": session.scalars(select(AnalysisBatch.uid)).first(),
        }
    found = {}
    for path in given["paths"]:
        status = client.get(path.format(**ids)).status_code
        found[path] = [status, sorted(HEAVY & set(sys.modules))]
print(json.dumps(found))
"""
PATHS = [
    "/",
    "/drawings",
    "/drawings?flagged=yes",
    "/drawings/upload",
    "/drawings/{drawing}",
    "/drawings/{drawing}/compare",
    "/children/{child}",
    "/models",
    "/models/{model}",
    "/thresholds",
    "/thresholds/preview?percentile=90",
    "/batches",
    "/batches/{batch}",
    "/batches/{batch}/cohort",
    "/jobs",
    "/status",
    "/api/v1/drawings/",
    "/api/v1/drawings/stats",
    "/api/v1/drawings/{drawing}",
    "/api/v1/drawings/{drawing}/thumbnail",
    "/api/v1/drawings/{drawing}/neighbours",
    "/api/v1/analysis/stats",
    "/api/v1/analysis/{analysis}",
    "/api/v1/analysis/drawing/{drawing}",
    "/api/v1/analysis/batch/jobs",
    "/api/v1/analysis/batch/{batch}/progress",
    "/api/v1/analysis/embeddings",
    "/api/v1/interpretability/{analysis}/annotations",
    "/api/v1/models/status",
    "/api/v1/models/age-groups",
    "/api/v1/models/data-sufficiency/analyze",
    "/api/v1/models/data-sufficiency/warnings",
    "/api/v1/config/",
    "/api/v1/config/stats",
    "/api/v1/config/subjects",
    "/api/v1/config/subjects/statistics",
    "/api/v1/config/models/subject-aware",
    "/api/v1/training/jobs",
    "/api/v1/training/models/exports",
    "/api/v1/training/models/deployed",
    "/api/v1/encoders/comparison",
    "/encoders",
]


def test_what_is_only_shown_waits_for_no_learning_library(trained_home: Path) -> None:
    """Loading it takes seconds; only what computes something anew may ask for them."""
    bench = open_bench(trained_home)
    AnalysisService(bench).analyze()
    identity = bench.encoding.identity
    bench.database.close()
    given = {"identity": asdict(identity), "paths": PATHS}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        input=json.dumps(given),
        env=os.environ | {"DEEPMED_HOME": str(trained_home), "DEEPMED_ENCODER": identity.name},
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert json.loads(done.stdout) == {path: [200, []] for path in PATHS}
