"""What a federated training keeps of its rounds, so that one that was cut off goes on."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deepmed.kit.digests import json_digest
from deepmed.kit.files import write_atomically

if TYPE_CHECKING:
    import torch

_STATE = "rounds.json"


@dataclass(frozen=True)
class Progress:
    """How far it is.

    `round` is the last finished one, 0 before the first; `best` the round whose weights are best by
    the monitored figure, 0 as long as there is none; `digest` names configuration and split.
    """

    digest: str
    round: int = 0
    best: int = 0
    best_value: float | None = None
    seconds: float = 0.0

    def with_round(
        self, number: int, value: float | None, seconds: float, *, more: bool
    ) -> "Progress":
        """After another round; `more` says whether a higher value is better."""
        old = self.best_value
        better = value is not None and (old is None or (value > old if more else value < old))
        best, kept = (number, value) if better else (self.best, old)
        return Progress(self.digest, number, best, kept, self.seconds + seconds)


class KeptRounds:
    """The weights of the last and of the best round, in a run's folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def progress(self, facts: Any) -> Progress:
        """How far a training of these facts is; at the beginning where it is another."""
        digest = json_digest(facts)
        try:
            found = Progress(**json.loads((self._folder / _STATE).read_bytes()))
        except (FileNotFoundError, TypeError, ValueError):
            return Progress(digest)
        names = {found.round, found.best} - {0}
        whole = found.digest == digest and all(self._path(one).is_file() for one in names)
        return found if whole else Progress(digest)

    def keep(self, progress: Progress, state: Mapping[str, "torch.Tensor"]) -> None:
        """The weights first: what the progress names is always there."""
        from safetensors.torch import save  # noqa: PLC0415 - torch

        self._folder.mkdir(parents=True, exist_ok=True)
        write_atomically(self._path(progress.round), save(dict(state)))
        write_atomically(self._folder / _STATE, json.dumps(asdict(progress)).encode())
        named = {self._path(progress.round), self._path(progress.best)}
        for path in self._folder.glob("round-*.safetensors"):
            if path not in named:
                path.unlink()

    def weights(self, number: int) -> "dict[str, torch.Tensor]":
        """Of a round that is kept."""
        from safetensors.torch import load  # noqa: PLC0415 - torch

        return load(self._path(number).read_bytes())

    def _path(self, number: int) -> Path:
        return self._folder / f"round-{number}.safetensors"
