"""A run's model as it answers about images, and the few of them that are kept in memory."""

from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from threading import Lock
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray

from deepmed.features.xray.runs.loading import LoadedModel
from deepmed.features.xray.runs.novelty import read_gate
from deepmed.kit.pictures import Pixels
from deepmed.learning.novelty import Novelty, NoveltyGate, features_and_output


@dataclass(frozen=True, eq=False)
class ServedModel:
    """What was tested, with the gate that says which images it was made for."""

    loaded: LoadedModel
    gate: NoveltyGate | None
    no_gate: str | None
    """Why there is none."""
    size: int
    """Bytes of its files, about what it takes in memory."""

    @classmethod
    def of(cls, files: Mapping[str, bytes]) -> Self:
        """Raises IntegrityError or ModelLoadingError where the files do not fit one another."""
        gate, no_gate = read_gate(files)
        return cls(LoadedModel.of(files), gate, no_gate, sum(map(len, files.values())))

    def look(self, image: Pixels) -> tuple[list[float], Novelty]:
        """The calibrated probability of each class, and whether the image is a typical one."""
        features, logits = self._asked(self.loaded.tensor(image))
        (share,) = self.loaded.calibrated(logits)
        shares = share if isinstance(share, list) else [1 - share, share]
        if self.gate is None:
            return shares, Novelty(None, None, (), self.no_gate)
        return shares, self.gate.judge(features[0], image)

    def _asked(self, tensor: torch.Tensor) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        if self.gate is None:
            return np.empty((1, 0)), self.loaded.logits(tensor)
        return features_and_output(self.loaded.network, tensor)


class Shelf:
    """Models by the hash of their manifest; the longest unused gives way.

    A model is loaded once, however many ask for it at a time. What lies here belongs to nobody:
    whoever asks has found the hash among the runs that are theirs.
    """

    def __init__(self, most_bytes: int = 1 << 30) -> None:
        self._most = most_bytes
        self._held: OrderedDict[str, ServedModel] = OrderedDict()
        self._lock, self._loading = Lock(), Lock()
        self._awaited: str | None = None
        """What is being loaded; nothing where it was let go of meanwhile."""

    def get(self, manifest_hash: str, load: Callable[[], ServedModel]) -> ServedModel:
        """The model, loaded now where it is not held; the newest is held whatever its size."""
        found = self.held(manifest_hash)
        if found is not None:
            return found
        with self._loading:
            found = self.held(manifest_hash)
            if found is None:
                self._awaited = manifest_hash
                found = load()
                self._keep(manifest_hash, found)
        return found

    def held(self, manifest_hash: str) -> ServedModel | None:
        """What is in memory; None without loading anything."""
        with self._lock:
            if manifest_hash in self._held:
                self._held.move_to_end(manifest_hash)
            return self._held.get(manifest_hash)

    def drop(self, manifest_hash: str | None = None) -> None:
        """Let go of one model, or of all of them; what is being loaded now is not kept either."""
        with self._lock:
            if manifest_hash in {None, self._awaited}:
                self._awaited = None
            if manifest_hash is None:
                self._held.clear()
            else:
                self._held.pop(manifest_hash, None)

    def _keep(self, manifest_hash: str, model: ServedModel) -> None:
        with self._lock:
            if self._awaited != manifest_hash:
                return
            self._held[manifest_hash] = model
            while len(self._held) > 1 and self._bytes() > self._most:
                self._held.popitem(last=False)

    def _bytes(self) -> int:
        return sum(model.size for model in self._held.values())


SHELF = Shelf()
"""Of this process; every person's models, each found by its own hash."""
