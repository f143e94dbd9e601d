"""The gate of a run's model: which images it was made for (X-17), as its artefact keeps it."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from deepmed.features.xray.source import read_image
from deepmed.kit import seeds
from deepmed.learning.errors import LearningError
from deepmed.learning.novelty import Look, NoveltyGate, features_and_output

if TYPE_CHECKING:
    from deepmed.learning.imaging import CustomImageDataset, Preprocessing
    from deepmed.learning.imaging.rows import ImageRow
    from deepmed.learning.networks.with_head import NetworkWithCustomHead

ARRAYS, RECORD = "novelty.safetensors", "novelty.json"
MOST_IMAGES = 4000
"""Of a part, drawn by the run's seed: more change a distance little and cost their reading."""
_AT_A_TIME = 32
_MISSING = "This model was stored without a gate, so nothing is said of unusual images."


def fit_gate(
    network: "NetworkWithCustomHead",
    preprocessing: "Preprocessing",
    training: "CustomImageDataset",
    validation: "CustomImageDataset",
    seed: int,
) -> dict[str, bytes]:
    """Learn from training what is typical and from validation how unusual that is; its files.

    The test part takes no part. Where no gate can be learned, the record says why.
    """
    from safetensors.numpy import save  # noqa: PLC0415 - with the weights

    try:
        typical, ranked = _some(training, seed), _some(validation, seed)
        gate = NoveltyGate.fit_looks(
            *_looked_at(network, preprocessing, typical),
            [row.label for row in typical],
            *_looked_at(network, preprocessing, ranked),
            patients=[row.patient for row in ranked],
        )
    except LearningError as error:
        return {RECORD: json.dumps({"reason": str(error)}).encode()}
    arrays, record = gate.get_state()
    contiguous = {name: np.ascontiguousarray(one) for name, one in arrays.items()}
    return {ARRAYS: save(contiguous), RECORD: json.dumps(record).encode()}


def read_gate(files: Mapping[str, bytes]) -> tuple[NoveltyGate | None, str | None]:
    """The gate of an artefact, or why it has none.

    Raises:
        ModelLoadingError: it is damaged.
    """
    from safetensors.numpy import load  # noqa: PLC0415 - with the weights

    record = json.loads(files.get(RECORD, b"{}"))
    if ARRAYS not in files:
        return None, record.get("reason", _MISSING)
    return NoveltyGate.from_state(load(files[ARRAYS]), record), None


def _some(part: "CustomImageDataset", seed: int) -> list["ImageRow"]:
    """The readable rows of a part, or as many of them as are enough, in their order."""
    places = part.valid_indices
    if len(places) > MOST_IMAGES:
        drawn = seeds.generator(seed, "novelty").permutation(len(places))[:MOST_IMAGES]
        places = places[np.sort(drawn)]
    return [part.rows[place] for place in places.tolist()]


def _looked_at(
    network: "NetworkWithCustomHead", preprocessing: "Preprocessing", rows: Sequence["ImageRow"]
) -> tuple[NDArray[np.float64], list[Look]]:
    """Features (n, D) and looks of images, each of them read once."""
    features: list[NDArray[np.float64]] = []
    looks: list[Look] = []
    for made, seen in _batches(network, preprocessing, rows):
        features.append(made)
        looks += seen
    return np.concatenate(features), looks


def _batches(network: Any, preprocessing: Any, rows: Any) -> Iterator[tuple[Any, list[Look]]]:
    import torch  # noqa: PLC0415 - with Lightning

    device = next(network.parameters()).device
    for start in range(0, len(rows), _AT_A_TIME):
        images = [read_image(row.path) for row in rows[start : start + _AT_A_TIME]]
        tensors = torch.stack([preprocessing.apply(image) for image in images])
        features, _ = features_and_output(network, tensors.to(device))
        yield features, [Look.of(image) for image in images]
