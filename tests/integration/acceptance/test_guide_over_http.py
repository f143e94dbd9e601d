"""The training guide's commands, as they are printed, against `deepmed serve` on an empty folder.

Only the port is another one. Training runs in the server's own child process with the encoder and
the detector that are the defaults; it is done once for all tests of this file.
"""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from factories.launching import LEARNING, planting
from factories.planting import HARDLY_MORE
from factories.servers import RunningServer, running_server

ROOT = Path(__file__).parents[3]
EMBED = 'for i in {1..95}; do\n  curl -X POST "http://localhost:8000/api/v1/analysis/embeddings/$i"\ndone'
TRAIN = """curl -X POST "http://localhost:8000/api/v1/models/train" \\
     -H "Content-Type: application/json" \\
     -d '{"age_min": %s, "age_max": %s, "min_samples": 10}'"""
STATUS = 'curl "http://localhost:8000/api/v1/models/status"'
MODELS = 'curl "http://localhost:8000/api/v1/models/age-groups"'
ANALYZE = 'curl -X POST "http://localhost:8000/api/v1/analysis/analyze/1"'
THRESHOLD = 'curl -X PUT "http://localhost:8000/api/v1/config/threshold?percentile=90.0"'
RESET = 'curl -X POST "http://localhost:8000/api/v1/config/reset?confirm=true"'
GROUPS = [("3.0", "6.0"), ("6.0", "9.0"), ("9.0", "12.0")]
LONGEST_SECONDS = 240.0
LOADED = (
    *LEARNING,
    "deepmed.features.drawings.analysis.service",
    "deepmed.features.drawings.jobs",
    "deepmed.features.drawings.models.training",
    "deepmed.learning.encoders.hog_pyramid.encoder",
    "factories.planting",
    "faiss",
    "sklearn.ensemble",
)
"""What the server and its trainings ask for: loaded once, and not by each of them."""

pytestmark = [
    pytest.mark.timeout(400),
    pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl"),
]


@dataclass(frozen=True)
class Reader:
    """Somebody who types the guide's commands in an empty folder."""

    server: RunningServer
    folder: Path

    def types(self, command: str) -> Any:
        """The JSON of a printed command; of a loop, that of each round."""
        typed = command.replace("localhost:8000", f"localhost:{self.server.port}")
        shell = ["bash", "-c", typed.replace("curl ", "curl --silent --show-error ")]
        done = subprocess.run(shell, capture_output=True, text=True, timeout=300, check=True)
        decoder, found, rest = json.JSONDecoder(), [], done.stdout
        while rest:
            value, end = decoder.raw_decode(rest)
            found.append(value)
            rest = rest[end:].lstrip()
        return found if command.startswith("for") else found[0]

    def runs(self, script: str, *arguments: str, server: bool = True) -> str:
        command = [sys.executable, str(ROOT / script), *arguments]
        command += ["--server", self.server.address] if server else []
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=300, check=False, cwd=self.folder
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def waits_for_training(self) -> None:
        deadline = time.monotonic() + LONGEST_SECONDS
        while self.types(STATUS)["training_models"]:
            assert time.monotonic() < deadline, self.server.logged()
            time.sleep(0.5)


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    """Who has come to the end of the guide's step 3."""
    folder = tmp_path_factory.mktemp("guide")
    threads = {"OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", "1")}
    with running_server(folder / "home", load=LOADED, **threads, **planting(HARDLY_MORE)) as server:
        made = Reader(server, folder)
        assert made.types(STATUS)["system_status"] == "no_models"
        made.runs("create_sample_drawings.py", server=False)
        made.runs("upload_sample_drawings.py")
        embedded = made.types(EMBED)
        assert {each["status"] for each in embedded} == {"generated"}
        assert {each["vector_dimension"] for each in embedded} == {769}
        for low, high in GROUPS:
            assert made.types(TRAIN % (low, high))["status"] == "training"
        made.waits_for_training()
        yield made


@pytest.mark.req("D-3.4")
def test_the_guide_from_its_first_command_to_its_last(reader: Reader) -> None:
    status = reader.types(STATUS)
    assert {name: status[name] for name in status if name != "last_training"} == {
        "total_models": 3,
        "active_models": 3,
        "training_models": 0,
        "failed_models": 0,
        "total_drawings": 95,
        "total_analyses": 0,
        "system_status": "ready",
    }
    models = reader.types(MODELS)["models"]
    assert [(model["age_min"], model["age_max"]) for model in models] == [(3, 6), (6, 9), (9, 12)]
    assert {model["model_type"] for model in models} == {"autoencoder"}
    assert {model["status"] for model in models} == {"ready"}
    answer = reader.types(ANALYZE)
    analysis = answer["analysis"]
    assert analysis["anomaly_score"] > 0
    assert 0 <= analysis["normalized_score"] <= 100
    assert analysis["is_anomaly"] in {True, False}
    assert analysis["age_group"] == "3.0-6.0"
    assert "confidence" in analysis
    assert answer["drawing"]["id"] == 1

    changed = reader.types(THRESHOLD)
    assert (changed["success"], changed["data"]["percentile"]) == (True, 90)
    assert reader.types(STATUS)["total_models"] == 3, "nothing was trained for that"

    reset = reader.types(RESET)
    assert (reset["success"], reset["data"]["deactivated_models"]) == (True, 3)
    assert reader.types(STATUS)["system_status"] == "no_models"
    said = reader.runs("train_models.py")
    assert '"system_status": "ready"' in said
    assert '"age_group": "3.0-6.0"' in said
    again = reader.types(STATUS)
    assert (again["active_models"], again["system_status"]) == (3, "ready")
    assert reader.runs("upload_sample_drawings.py").endswith(
        "0 drawings uploaded, 95 were there before.\n"
    )
