"""What decides a federated training, beside network, data and each client's own training."""

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any, Literal, get_args

from deepmed.learning.federated.errors import FederatedTrainingError, FlowerMissingError

Strategy = Literal["fedavg", "fedprox"]
Partition = Literal["iid", "dirichlet"]
MOST_CLIENTS, MOST_ROUNDS = 100, 10_000


@dataclass(frozen=True)
class FederatedSettings:
    """How clients learn together.

    Attributes:
        clients: how many there are; each holds images of its own patients alone.
        rounds: how often all weights are averaged.
        clients_per_round: how many of them learn in a round, drawn anew each time; all if it is
            not given.
        local_epochs: passes over its own images that a client makes in a round.
        strategy: ``fedavg`` averages weights by the number of images (McMahan et al. 2017);
            ``fedprox`` also holds each client near the common weights (Li et al. 2020).
        proximal_mu: how strongly ``fedprox`` does.
        partition: ``iid`` deals the patients of each class evenly; ``dirichlet`` unevenly.
        alpha: how evenly ``dirichlet`` deals: the less, the more clients differ (Hsu et al. 2019).
        minimum_clients: fewer answers than these end the training.
        round_seconds: a client that takes longer for a round is left out of it.

    Raises:
        FederatedTrainingError: a value is outside its range, or a name is unknown.

    Example:
        >>> FederatedSettings(clients=4).in_a_round
        4
        >>> FederatedSettings.from_json(FederatedSettings(rounds=7).to_json()).rounds
        7
    """

    clients: int = 4
    rounds: int = 3
    clients_per_round: int | None = None
    local_epochs: int = 1
    strategy: Strategy = "fedavg"
    proximal_mu: float = 0.01
    partition: Partition = "iid"
    alpha: float = 0.5
    minimum_clients: int = 1
    round_seconds: float = 3600.0

    def __post_init__(self) -> None:
        _demand(2 <= self.clients <= MOST_CLIENTS, f"clients is from 2 to {MOST_CLIENTS}")
        _demand(1 <= self.rounds <= MOST_ROUNDS, f"rounds is from 1 to {MOST_ROUNDS}")
        _demand(self.local_epochs >= 1, "local_epochs is at least 1")
        _demand(1 <= self.in_a_round <= self.clients, "clients_per_round is from 1 to clients")
        _demand(
            1 <= self.minimum_clients <= self.in_a_round,
            "minimum_clients is from 1 to the clients of a round",
        )
        _demand(self.strategy in get_args(Strategy), "strategy is fedavg or fedprox")
        _demand(self.partition in get_args(Partition), "partition is iid or dirichlet")
        _demand(0 <= self.proximal_mu < math.inf, "proximal_mu is at least 0")
        _demand(0 < self.alpha < math.inf, "alpha is above 0")
        _demand(0 < self.round_seconds < math.inf, "round_seconds is above 0")

    @property
    def in_a_round(self) -> int:
        """How many clients learn in a round."""
        return self.clients_per_round or self.clients

    def to_json(self) -> dict[str, Any]:
        """All settings as JSON."""
        return dataclasses.asdict(self)

    @classmethod
    def from_json(cls, facts: Mapping[str, Any]) -> "FederatedSettings":
        """The settings that :meth:`to_json` gave.

        Raises:
            FederatedTrainingError: a key is unknown or a value is outside its range.
        """
        unknown = sorted(set(facts) - {field.name for field in dataclasses.fields(cls)})
        _demand(not unknown, f"these settings are unknown: {', '.join(unknown)}")
        return cls(**facts)


def need_flower() -> None:
    """Make sure that Flower is there, before anything is begun.

    Raises:
        FlowerMissingError: it is not.
    """
    if find_spec("flwr") is None:
        raise FlowerMissingError(
            "Federated training needs Flower, which is not installed. Nothing was started. Install "
            "it: pip install 'deepmed[federated]'"
        )


def _demand(holds: bool, what: str) -> None:  # noqa: FBT001 - a check reads as a sentence
    if not holds:
        raise FederatedTrainingError(f"Federated training: {what}. Nothing was started.")
