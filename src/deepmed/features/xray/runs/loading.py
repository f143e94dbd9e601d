"""A run's model out of its artefact, as it was tested."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load

from deepmed.features.xray.runs import artifact
from deepmed.kit.errors import IntegrityError
from deepmed.kit.pictures import Pixels
from deepmed.learning.errors import LearningError
from deepmed.learning.evaluation.binary import OperatingPoint
from deepmed.learning.imaging import Preprocessing
from deepmed.learning.networks import NetworkSettings, build_network
from deepmed.learning.networks.with_head import NetworkWithCustomHead


@dataclass(frozen=True, eq=False)
class LoadedModel:
    """Network, preprocessing, threshold and calibration: everything that an answer needs.

    The network is in evaluation mode on the CPU, and nobody changes it, so that many threads may
    ask it at once.
    """

    network: NetworkWithCustomHead
    preprocessing: Preprocessing
    point: OperatingPoint
    classes: tuple[str, ...]
    record: Mapping[str, Any]
    """What `model.json` says."""

    @classmethod
    def of(cls, files: Mapping[str, bytes]) -> Self:
        """The model in an artefact's files.

        Raises:
            IntegrityError: they do not fit one another.
            PreprocessingRecordError: this installation would give the network other numbers.
        """
        try:
            record = json.loads(files[artifact.MODEL])
            described = {**record["network"], "weights": None, "weights_sha256": None, "hub": None}
            network = build_network(NetworkSettings.from_json(described))
            network.load_state_dict(load(files[artifact.WEIGHTS]))
            return cls(
                network.eval(),
                Preprocessing.from_json(record["preprocessing"]),
                OperatingPoint.from_dict(record["operating_point"]),
                tuple(record["classes"]),
                record,
            )
        except LearningError:
            raise
        except (KeyError, TypeError, ValueError, RuntimeError) as error:
            raise IntegrityError(
                "The stored model's parts do not fit one another, so it was not loaded. Restore it "
                "from a backup, or train it again."
            ) from error

    @property
    def binary(self) -> bool:
        """Whether the question has two classes, told apart by one probability and a threshold."""
        return self.point.threshold is not None

    def tensor(self, image: Pixels) -> torch.Tensor:
        """(1, C, H, W), what the network sees of an image (height, width, 3)."""
        return self.preprocessing.apply(image)[None]

    def probability(self, image: Pixels) -> float | list[float]:
        """Calibrated: of the second class, or one of each of several classes."""
        return self.calibrated(self.logits(self.tensor(image)))[0]

    def logits(self, tensor: torch.Tensor) -> NDArray[np.float64]:
        """(B, 1) or (B, classes)."""
        with torch.inference_mode():
            found: NDArray[np.float64] = self.network(tensor).double().numpy()
        return found

    def calibrated(self, logits: NDArray[np.float64]) -> list[float | list[float]]:
        """One entry an image, as `predictions.json` has it."""
        shares = self.point.probabilities(logits[:, 0] if logits.shape[1] == 1 else logits)
        return list(shares.tolist())


def listed(value: float | Sequence[float]) -> list[float]:
    """A probability as numbers: one of the second class, or one a class."""
    return [value] if isinstance(value, float | int) else list(value)
