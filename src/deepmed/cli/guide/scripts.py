"""The training guide's three scripts; the files of those names in the repository call them."""

import argparse
import csv
import json
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from deepmed.cli.guide.client import DEFAULT_SERVER, GuideClient, GuideError

FOLDER = Path("sample_drawings")
GROUPS = (
    (3.0, 6.0, "Early childhood"),
    (6.0, 9.0, "Middle childhood"),
    (9.0, 12.0, "Late childhood"),
)
MINIMUM = 10
POLL_SECONDS = 2.0
LONGEST_SECONDS = 1800.0
Say = Callable[[str], object]


def create(arguments: Sequence[str] | None = None) -> int:
    """Write the 95 typical sample drawings and their metadata into a folder."""
    from deepmed.features.drawings.samples.files import create_sample_drawings
    from deepmed.kit.errors import DeepMedError

    parser = argparse.ArgumentParser(description=create.__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=FOLDER)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args(arguments)
    try:
        made = create_sample_drawings(asked.folder, asked.seed)
    except DeepMedError as error:
        return _fail(error.message)
    _say(f"{len(made)} drawings written to {asked.folder}/")
    return 0


def upload(arguments: Sequence[str] | None = None, client: GuideClient | None = None) -> int:
    """Upload the sample drawings to a running server; those that it has are not stored twice."""
    parser = argparse.ArgumentParser(description=upload.__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=FOLDER)
    parser.add_argument("--server", default=DEFAULT_SERVER)
    asked = parser.parse_args(arguments)
    table = asked.folder / "metadata.csv"
    if not table.is_file():
        return _fail(f"There is no {table}. Run `python create_sample_drawings.py` first.")
    with table.open(encoding="utf-8", newline="") as file:
        rows = [
            {name: value for name, value in row.items() if value} for row in csv.DictReader(file)
        ]
    present = 0
    try:
        with client or GuideClient(asked.server) as server:
            for number, row in enumerate(rows, 1):
                stored = server.upload(asked.folder / row.pop("filename"), row)
                present += stored["already_present"]
                _say(f"{number}/{len(rows)}: drawing {stored['id']}, age {stored['age_years']:g}")
    except GuideError as error:
        return _fail(str(error))
    _say(f"{len(rows) - present} drawings uploaded, {present} were there before.")
    return 0


def train(arguments: Sequence[str] | None = None, client: GuideClient | None = None) -> int:
    """Embed every drawing, train the guide's three groups, and analyse drawing 1 as a test."""
    parser = argparse.ArgumentParser(description=train.__doc__)
    parser.add_argument("--skip-embeddings", action="store_true", help="take the vectors at hand")
    parser.add_argument("--skip-training", action="store_true", help="embed and report only")
    parser.add_argument("--models-only", action="store_true", help="analyse no drawing at the end")
    parser.add_argument("--server", default=DEFAULT_SERVER)
    asked = parser.parse_args(arguments)
    try:
        with client or GuideClient(asked.server) as server:
            return _train(server, asked)
    except GuideError as error:
        return _fail(str(error))


def _train(server: GuideClient, asked: argparse.Namespace) -> int:
    server.health()
    drawings = list(server.drawings())
    _say(f"{len(drawings)} drawings")
    if not asked.skip_embeddings:
        _embed(server, drawings)
    failed = [] if asked.skip_training else _train_groups(server)
    _say(json.dumps(server.status(), indent=2))
    for model in server.age_groups()["models"]:
        _say(
            f"Model {model['id']}: ages {model['age_min']:g}-{model['age_max']:g}, "
            f"{model['sample_count']} drawings, threshold {model['threshold']}, {model['status']}"
        )
    if not asked.models_only and drawings:
        analysis = server.analyze(drawings[0]["id"])["analysis"]
        shown = ("anomaly_score", "normalized_score", "is_anomaly", "confidence", "age_group")
        _say(json.dumps({name: analysis[name] for name in shown}, indent=2))
    for reason in failed:
        sys.stderr.write(reason + "\n")
    return 1 if failed else 0


def _embed(server: GuideClient, drawings: Sequence[dict[str, Any]]) -> None:
    whole = [drawing["id"] for drawing in drawings if not drawing["is_blank"]]
    for number in whole:
        server.embed(number)
    _say(f"{len(whole)} drawings are embedded")


def _train_groups(server: GuideClient) -> list[str]:
    """Train each group in turn; returns why some were not."""
    failed = []
    for low, high, name in GROUPS:
        _say(f"{name}: training ages {low:g}-{high:g}")
        try:
            job = server.train(low, high, MINIMUM)["job_id"]
            _wait(server, job)
        except GuideError as error:
            failed.append(f"{name}: {error}")
    return failed


def _wait(server: GuideClient, job: str) -> None:
    deadline = time.monotonic() + LONGEST_SECONDS
    said = None
    while time.monotonic() < deadline:
        found = server.training(job)
        if found["message"] != said:
            said = found["message"]
            _say(f"  {found['progress']} %: {said}")
        if found["status"] == "completed":
            return
        if found["status"] == "failed":
            raise GuideError(found["error"] or "the training failed")
        time.sleep(POLL_SECONDS)
    raise GuideError(f"the training takes more than {LONGEST_SECONDS:g} s; it goes on by itself")


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def _fail(text: str) -> int:
    sys.stderr.write(text + "\n")
    return 1
