"""What a fresh server loads to answer about models."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import json, os, sys
from fastapi.testclient import TestClient
from deepmed.app import open_home
from deepmed.app.bench.platform.drawings import add_drawings
from deepmed.app.server import create_app

ages = {"age_min": 6, "age_max": 9, "min_samples": 10}
with open_home() as home:
    add_drawings(home, 10)
    client = TestClient(
        create_app(home, peers=lambda *_: os.geteuid()), base_url="http://localhost:8000"
    )
    answers = [
        client.get("/api/v1/models/status"),
        client.get("/api/v1/models/age-groups"),
        client.post("/api/v1/models/train", json=ages),
        client.post("/api/v1/models/train", json=ages | {"model_type": "knn"}),
        client.post("/api/v1/models/train", json=ages | {"model_type": "none such"}),
        client.post("/api/v1/models/train", json=ages | {"min_samples": 11}),
        client.post("/api/v1/models/auto-create"),
    ]
heavy = {"torch", "sklearn", "scipy", "transformers", "skops"} & set(sys.modules)
print(json.dumps([[answer.status_code for answer in answers], sorted(heavy)]))
"""


@pytest.mark.req("P-6.3")
def test_a_training_is_accepted_or_refused_without_the_learning_library(home: Path) -> None:
    """It takes seconds to load, and a job's id is promised within one."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env=os.environ | {"DEEPMED_HOME": str(home)},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert json.loads(done.stdout) == [[200, 200, 200, 200, 400, 400, 200], []]
