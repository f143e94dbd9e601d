"""Load a run's model from its artefact, and score some of its images again (V-2)."""

import json
from collections.abc import Mapping
from pathlib import Path

from deepmed.features.xray.runs import artifact
from deepmed.features.xray.runs.verify import Check
from deepmed.features.xray.source import DataSource, read_image
from deepmed.kit import seeds

RESCORED = 20
TOLERANCE = 1e-5
"""Sums on another machine, or in other batches, differ in their last digits (X-18)."""


def rescore(files: Mapping[str, bytes], folder: Path, seed: int) -> list[Check]:
    """At most 20 random images, each with its stored probability and the one that it has now.

    Args:
        files: of the artefact.
        folder: of the run, where its images are.
        seed: which ones.

    Raises:
        IntegrityError: the run's images are gone from this machine.
    """
    from deepmed.features.xray.runs.loading import LoadedModel, listed  # noqa: PLC0415 - torch

    model = LoadedModel.of(files)
    paths = {row.image_id: row.path for row in DataSource.load(folder / "source").rows}
    parts = json.loads(files[artifact.PREDICTIONS])
    records = [record for part in parts.values() for record in part]
    checks = []
    for place in seeds.generator(seed, "rescore").permutation(len(records))[:RESCORED].tolist():
        record = records[place]
        again_now = model.probability(read_image(paths[record["image"]]))
        for number, (stored, again) in enumerate(
            zip(listed(record["probability"]), listed(again_now), strict=True)
        ):
            near = abs(stored - again) <= TOLERANCE
            name = f"probability {number} of {record['image']}"
            checks.append(Check(name, stored, stored if near else again))
    return checks
