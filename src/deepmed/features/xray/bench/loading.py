"""Whether loading keeps up with computing, measured with the network of the trainings' kind."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from deepmed.features.xray.bench.recipe import Effort
from deepmed.learning.imaging.measuring import measure_loading
from deepmed.learning.networks.registry import build_network
from deepmed.learning.networks.settings import NetworkSettings

NETWORK = NetworkSettings("resnet18")


def loading(effort: Effort) -> dict[str, Any]:
    """The figures, in a folder that is removed afterwards."""
    with TemporaryDirectory() as name:
        found = measure_loading(
            Path(name),
            lambda: build_network(NETWORK),
            images=effort.loading_images,
            repeats=effort.loading_repeats,
        )
    return {"network": NETWORK.name, **found.to_json()}
