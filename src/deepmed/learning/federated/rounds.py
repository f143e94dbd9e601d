"""The server's side: Flower's strategy, round after round, from any round on."""

import logging
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flwr.app import ConfigRecord, Message
from flwr.serverapp.strategy import FedAvg, FedProx, Strategy

from deepmed.kit import seeds
from deepmed.learning.classification.settings import TrainingSettings
from deepmed.learning.federated.client import Answer, State
from deepmed.learning.federated.errors import FederatedTrainingError
from deepmed.learning.federated.grid import ClientGrid
from deepmed.learning.federated.records import (
    EXAMPLES,
    answer_of,
    check_answer,
    state_of,
    state_record,
    weighted_means,
)
from deepmed.learning.federated.settings import FederatedSettings

logging.getLogger("flwr").setLevel(logging.ERROR)
_NO_ANSWER = "It did not answer in time."


@dataclass(frozen=True)
class ClientResult:
    """What came of one client in a round; `reason` says why it did not answer."""

    number: int
    answer: Answer | None
    reason: str | None = None
    evaluation: Mapping[str, float] | None = None


@dataclass(frozen=True)
class RoundResult:
    """A finished round.

    Attributes:
        number: from 1.
        state: the common weights after it.
        clients: what came of each client that was asked, by number.
        fit_metrics: means of the clients' own figures, by images.
        eval_metrics: likewise of the common weights on the clients' validation images.
        seconds: how long it took.
    """

    number: int
    state: State
    clients: tuple[ClientResult, ...]
    fit_metrics: Mapping[str, float]
    eval_metrics: Mapping[str, float]
    seconds: float


def make_strategy(settings: FederatedSettings) -> Strategy:
    """Flower's strategy, which takes every client that the grid offers.

    Example:
        >>> type(make_strategy(FederatedSettings(strategy="fedprox"))).__name__
        'FedProx'
    """
    shared: dict[str, Any] = {
        "min_train_nodes": 1,
        "min_evaluate_nodes": 1,
        "min_available_nodes": 1,
        "weighted_by_key": EXAMPLES,
        "train_metrics_aggr_fn": weighted_means,
        "evaluate_metrics_aggr_fn": weighted_means,
    }
    if settings.strategy == "fedprox":
        return FedProx(proximal_mu=settings.proximal_mu, **shared)
    return FedAvg(**shared)


def learning_rate(training: TrainingSettings, number: int, rounds: int) -> float:
    """The step of a round: constant for ``none`` and ``plateau``, else falling by cosine.

    Args:
        training: which schedule a centralised run would have.
        number: of the round, from 1.
        rounds: how many there are.

    Example:
        >>> settings = TrainingSettings(learning_rate=0.01)
        >>> learning_rate(settings, 1, 10), round(learning_rate(settings, 6, 10), 5)
        (0.01, 0.005)
    """
    if training.scheduler in {"none", "plateau"}:
        return training.learning_rate
    least = min(training.min_learning_rate, training.learning_rate)
    share = (1 + math.cos(math.pi * (number - 1) / rounds)) / 2
    return least + (training.learning_rate - least) * share


def run_round(
    number: int,
    state: State,
    grid: ClientGrid,
    settings: FederatedSettings,
    training: TrainingSettings,
) -> RoundResult:
    """One round: clients learn, their weights are averaged, and they measure the average.

    Args:
        number: from 1.
        state: the common weights before it.
        grid: of the clients.
        settings: of the federated training.
        training: of each client.

    Raises:
        FederatedTrainingError: too few clients answered.
    """
    began = time.monotonic()
    strategy, common = make_strategy(settings), state_record(state)
    grid.prepare()
    grid.chosen = _drawn(number, grid.alive(), settings, training.seed)
    _demand(len(grid.chosen), settings, number)
    rate = ConfigRecord({"learning-rate": learning_rate(training, number, settings.rounds)})
    asked = list(grid.chosen)
    replies = _replies(
        grid, strategy.configure_train(number, common, rate, grid), settings.round_seconds
    )
    results = {client: _result(client, replies.get(client), common) for client in asked}
    good = [replies[client] for client in asked if results[client].answer is not None]
    _demand(len(good), settings, number, [one.reason for one in results.values()])
    averaged, fit_metrics = strategy.aggregate_train(number, good)
    if averaged is None:
        raise FederatedTrainingError(f"Round {number} could not be averaged.")
    grid.chosen = [client for client in grid.alive() if results.get(client, _NOBODY).answer]
    measured: dict[int, Message] = {}
    if grid.chosen:
        orders = strategy.configure_evaluate(number, averaged, ConfigRecord(), grid)
        measured = _replies(grid, orders, settings.round_seconds)
    found = {client: one for client, one in measured.items() if one.has_content()}
    eval_metrics = strategy.aggregate_evaluate(number, [found[one] for one in sorted(found)])
    return RoundResult(
        number,
        state_of(averaged),
        tuple(_measured(results[client], found.get(client)) for client in sorted(results)),
        _plain(fit_metrics),
        _plain(eval_metrics),
        time.monotonic() - began,
    )


def run_rounds(
    state: State,
    grid: ClientGrid,
    settings: FederatedSettings,
    training: TrainingSettings,
    done: Callable[[RoundResult], None],
    *,
    first: int = 1,
    before: Callable[[int], None] = lambda _number: None,
) -> State:
    """All rounds that are left.

    Args:
        state: the common weights before the first of them.
        grid: of the clients.
        settings: of the federated training.
        training: of each client.
        done: told of each round; what it raises ends the training.
        first: the first of them, from 1.
        before: called with the number of each round before it; what it raises ends the training.

    Returns:
        The common weights after the last.

    Raises:
        FederatedTrainingError: too few clients answered a round.
    """
    for number in range(first, settings.rounds + 1):
        before(number)
        result = run_round(number, state, grid, settings, training)
        state = result.state
        done(result)
    return state


_NOBODY = ClientResult(-1, None)


def _drawn(number: int, alive: Sequence[int], settings: FederatedSettings, seed: int) -> list[int]:
    order = seeds.generator(seed, "federated-round", number).permutation(settings.clients)
    there = set(alive)
    return sorted([int(one) for one in order if int(one) in there][: settings.in_a_round])


def _replies(grid: ClientGrid, messages: Any, seconds: float) -> dict[int, Message]:
    """By client, in the order of their numbers, so that sums do not depend on who was faster."""
    replies = grid.send_and_receive(messages, timeout=seconds)
    return {
        one.metadata.src_node_id: one
        for one in sorted(replies, key=lambda one: one.metadata.src_node_id)
    }


def _result(client: int, reply: Message | None, common: Any) -> ClientResult:
    if reply is None:
        return ClientResult(client, None, _NO_ANSWER)
    if reply.has_error():
        return ClientResult(client, None, reply.error.reason or _NO_ANSWER)
    try:
        check_answer(reply.content, common)
        return ClientResult(client, answer_of(reply.content))
    except (FederatedTrainingError, KeyError, ValueError) as error:
        return ClientResult(client, None, str(error))


def _measured(result: ClientResult, reply: Message | None) -> ClientResult:
    if reply is None:
        return result
    metrics = answer_of(reply.content).metrics
    return ClientResult(result.number, result.answer, result.reason, metrics)


def _demand(
    count: int, settings: FederatedSettings, number: int, reasons: Sequence[str | None] = ()
) -> None:
    if count < settings.minimum_clients:
        told = "".join(f" {why}" for why in dict.fromkeys(reasons) if why)
        raise FederatedTrainingError(
            f"Only {count} clients answered round {number}, and at least "
            f"{settings.minimum_clients} are needed.{told} What was learned up to round "
            f"{number - 1} is kept; resume the run to go on from there."
        )


def _plain(record: Any) -> dict[str, float]:
    return {} if record is None else {name: float(value) for name, value in record.items()}
