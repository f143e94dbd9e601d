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
    import torch  # noqa: PLC0415 - who only counts waits for none
    from safetensors.torch import load  # noqa: PLC0415 - likewise

    from deepmed.learning.evaluation.binary import OperatingPoint  # noqa: PLC0415 - likewise
    from deepmed.learning.imaging import Preprocessing  # noqa: PLC0415 - likewise
    from deepmed.learning.networks import NetworkSettings, build_network  # noqa: PLC0415 - likewise

    model = json.loads(files[artifact.MODEL])
    described = {**model["network"], "weights": None, "weights_sha256": None}
    network = build_network(NetworkSettings.from_json(described))
    network.load_state_dict(load(files[artifact.WEIGHTS]))
    network.eval()
    preprocessing = Preprocessing.from_json(model["preprocessing"])
    point = OperatingPoint.from_dict(model["operating_point"])
    paths = {row.image_id: row.path for row in DataSource.load(folder / "source").rows}
    parts = json.loads(files[artifact.PREDICTIONS])
    records = [record for part in parts.values() for record in part]
    checks = []
    for place in seeds.generator(seed, "rescore").permutation(len(records))[:RESCORED].tolist():
        record = records[place]
        image = preprocessing.apply(read_image(paths[record["image"]]))
        with torch.inference_mode():
            logits = network(image[None]).double().numpy()
        share = point.probabilities(logits[:, 0] if logits.shape[1] == 1 else logits)[0]
        for number, (stored, again) in enumerate(
            zip(_listed(record["probability"]), _listed(share.tolist()), strict=True)
        ):
            near = abs(stored - again) <= TOLERANCE
            name = f"probability {number} of {record['image']}"
            checks.append(Check(name, stored, stored if near else again))
    return checks


def _listed(value: float | list[float]) -> list[float]:
    return value if isinstance(value, list) else [value]
