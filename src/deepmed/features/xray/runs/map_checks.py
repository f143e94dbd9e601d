"""Whether a run's heat maps need what its network learned (V-4), measured on validation images."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from deepmed.features.xray.source import read_image
from deepmed.features.xray.source.pseudonyms import unit_of
from deepmed.kit import seeds
from deepmed.learning.limits import LIKENESS

if TYPE_CHECKING:
    from deepmed.learning.class_activation import Explained
    from deepmed.learning.evaluation.binary import OperatingPoint
    from deepmed.learning.imaging import CustomImageDataset, Preprocessing
    from deepmed.learning.imaging.rows import ImageRow
    from deepmed.learning.networks.with_head import NetworkWithCustomHead
    from deepmed.learning.saliency.randomisation import RandomisationCheck

RECORD = "map_checks"
"""Its name in `model.json`."""
TOP, WHOLE = "head and last block", "all"
"""Whose weights are drawn by lot."""
MOST_LOOKED_AT = 60
"""Images, one a patient; twice as many as maps are wanted, because some images have none."""


@dataclass(frozen=True)
class MapCheck:
    """What is known of a model's maps by one method.

    Attributes:
        passed: whether they change when all weights are drawn by lot; None where nothing is known.
        words: what was found, for people.
        mind: what to mind in looking at such a map; None where there is nothing.
    """

    passed: bool | None
    words: str
    mind: str | None

    @classmethod
    def of(cls, model: Mapping[str, Any], method: str) -> "MapCheck":
        """Of a model's record."""
        found = model.get(RECORD, {}).get("methods", {}).get(method)
        if found is None or found["passed"] is None:
            unknown = f"Whether maps by {method} need what the network learned is not known."
            return cls(None, unknown, unknown)
        words = _in_words(method, found)
        return cls(found["passed"], words, None if found["depths"][TOP]["passed"] else words)


def in_words(model: Mapping[str, Any]) -> list[str]:
    """What is known of each method that was checked."""
    return [MapCheck.of(model, method).words for method in model[RECORD]["methods"]]


def check_maps(
    network: "NetworkWithCustomHead",
    preprocessing: "Preprocessing",
    point: "OperatingPoint",
    validation: "CustomImageDataset",
    seed: int,
) -> dict[str, Any]:
    """Compare maps with those of networks of random weights, on images of validation alone."""
    from deepmed.learning.class_activation import (  # noqa: PLC0415 - torch
        ALL_METHODS,
        check_class_maps,
    )

    rows = _one_a_patient(validation, seed)
    found = check_class_maps(
        network,
        [_explained(network, preprocessing, point, row) for row in rows],
        {TOP: _top(network)},
        temperature=point.temperature,
        offsets=point.offsets,
        seed=seeds.derive(seed, "map-checks"),
    )
    return {
        "split": "validation",
        "unit": unit_of(row.patient for row in rows),
        "limit": LIKENESS,
        "methods": {method: _record(found.get(method)) for method in ALL_METHODS},
    }


def _one_a_patient(part: "CustomImageDataset", seed: int) -> list["ImageRow"]:
    """Some readable rows, each of another patient, drawn by the run's seed."""
    places = part.valid_indices
    drawn = places[seeds.generator(seed, "map-checks").permutation(len(places))].tolist()
    first: dict[str, ImageRow] = {}
    for place in drawn:
        first.setdefault(part.rows[place].patient, part.rows[place])
    return list(first.values())[:MOST_LOOKED_AT]


def _explained(
    network: "NetworkWithCustomHead",
    preprocessing: "Preprocessing",
    point: "OperatingPoint",
    row: "ImageRow",
) -> "Explained":
    """The image with the class that is decided for it: the one whose map would be shown."""
    import torch  # noqa: PLC0415 - with Lightning

    from deepmed.learning.class_activation import Explained  # noqa: PLC0415 - torch
    from deepmed.learning.class_activation.observing import (  # noqa: PLC0415 - likewise
        observable,
    )

    device = next(network.parameters()).device
    pixels = preprocessing.apply(read_image(row.path))[None].to(device)
    with torch.inference_mode():
        logits = observable(network)(pixels).double().cpu().numpy()
    shares = point.probabilities(logits[:, 0] if logits.shape[1] == 1 else logits)[0]
    decided = shares.argmax() if point.threshold is None else shares >= point.threshold
    return Explained(pixels, int(decided), row.patient)


def _top(network: "NetworkWithCustomHead") -> list[str]:
    """Names of the head and of the last block of the backbone."""
    last = network.layers()[-1].modules
    own = [name for name, module in network.named_modules() if any(module is one for one in last)]
    return ["classifier", *own]


def _record(checks: "Mapping[str, RandomisationCheck] | None") -> dict[str, Any]:
    if checks is None:
        return {"passed": None, "n_items": 0, "depths": {}}
    return {
        "passed": checks[WHOLE].passed,
        "n_items": len(checks[WHOLE].correlations),
        "depths": {depth: _depth(check) for depth, check in checks.items()},
    }


def _depth(check: "RandomisationCheck") -> dict[str, Any]:
    return {
        "correlations": list(check.correlations),
        "estimate": sum(check.correlations) / len(check.correlations),
        "low": None if check.mean is None else check.mean.low,
        "high": None if check.mean is None else check.mean.high,
        "passed": check.passed,
    }


def _in_words(method: str, found: Mapping[str, Any]) -> str:
    whole, top = found["depths"][WHOLE], found["depths"][TOP]
    does = "change" if found["passed"] else "do not change enough"
    told = (
        f"Maps by {method} {does} when all weights of the network are drawn by lot: their rank "
        f"correlation is {_figure(whole)} over {found['n_items']} validation images; "
        f"below {LIKENESS}, interval included, they need what the network learned."
    )
    if found["passed"] and not top["passed"]:
        told += f" When only those of head and last block are, it is {_figure(top)}: too alike."
    return told


def _figure(depth: Mapping[str, Any]) -> str:
    if depth["low"] is None:
        return f"{depth['estimate']:.2f}"
    return f"{depth['estimate']:.2f} (95 % interval {depth['low']:.2f} to {depth['high']:.2f})"
