"""Rounds over clients that do what a test wants: averaging, choosing, and who is left out."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest
import torch
from flwr.app import Error, Message
from flwr.clientapp import ClientApp

from deepmed.learning.classification.settings import TrainingSettings
from deepmed.learning.federated import (
    Answer,
    FederatedSettings,
    FederatedTrainingError,
    LocalGrid,
    run_round,
    run_rounds,
)
from deepmed.learning.federated.records import ARRAYS, content_of, order_of, state_of
from deepmed.learning.federated.rounds import learning_rate

START = {"a": torch.zeros(2), "n": torch.tensor(0)}
TRAINING = TrainingSettings(learning_rate=0.1, scheduler="cosine_warm_restarts")
Fake = Callable[[Message], Message]


def learner(step: float, examples: int, **metrics: float) -> Fake:
    """Adds a number to every weight."""

    def answer(message: Message) -> Message:
        state = state_of(message.content.array_records[ARRAYS])
        moved = {name: one + step for name, one in state.items()}
        return Message(content_of(Answer(moved, examples, metrics)), reply_to=message)

    return answer


def app(fake: Fake) -> ClientApp:
    made = ClientApp()

    @made.train()
    def train(message: Message, context: Any) -> Message:
        return fake(message)

    @made.evaluate()
    def evaluate(message: Message, context: Any) -> Message:
        return Message(content_of(Answer({}, 1, {"val_acc": 0.5})), reply_to=message)

    return made


def grid_of(*fakes: Fake) -> LocalGrid:
    return LocalGrid({number: app(fake) for number, fake in enumerate(fakes)})


def settings(clients: int, **values: Any) -> FederatedSettings:
    return FederatedSettings(clients=clients, **values)


@pytest.mark.req("X-14.1")
def test_weights_and_figures_are_averaged_by_the_number_of_images() -> None:
    fakes = (
        learner(1.0, 30, train_loss=0.2, val_auroc=0.9, val_cm_tp=9.0),
        learner(5.0, 10, train_loss=0.6, val_cm_tp=2.0),
    )
    result = run_round(1, START, grid_of(*fakes), settings(2), TRAINING)
    assert torch.equal(result.state["a"], torch.tensor([2.0, 2.0]))
    assert result.fit_metrics["train_loss"] == pytest.approx(0.3)
    # Only one has an AUROC: it is no zero of the other.
    assert result.fit_metrics["val_auroc"] == pytest.approx(0.9)
    assert result.fit_metrics["val_cm_tp"] == 11, "counts of the clients' images are added"
    assert result.eval_metrics == {"val_acc": 0.5}


@pytest.mark.req("X-14.1")
def test_fedprox_tells_clients_how_near_they_stay_and_fedavg_does_not() -> None:
    told: list[float] = []

    def fake(message: Message) -> Message:
        told.append(order_of(message, 1).proximal_mu)
        return learner(0.0, 1)(message)

    for strategy in ("fedavg", "fedprox"):
        chosen = settings(2, strategy=strategy, proximal_mu=0.25)
        run_round(1, START, grid_of(fake, fake), chosen, TRAINING)
    assert told == [0, 0, 0.25, 0.25]


@pytest.mark.req("X-14.1")
def test_who_fails_or_answers_nonsense_is_left_out_of_the_average() -> None:
    def dies(message: Message) -> Message:
        return Message(Error(5, "It died."), reply_to=message)

    def diverges(message: Message) -> Message:
        return learner(float("nan"), 10)(message)

    def other_network(message: Message) -> Message:
        return Message(content_of(Answer({"b": torch.ones(3)}, 5, {})), reply_to=message)

    fakes = learner(1.0, 10), dies, diverges, other_network, learner(3.0, 10)
    result = run_round(1, START, grid_of(*fakes), settings(5), TRAINING)
    assert torch.equal(result.state["a"], torch.tensor([2.0, 2.0]))
    reasons = {one.number: one.reason for one in result.clients if one.answer is None}
    assert set(reasons) == {1, 2, 3}
    assert reasons[1] == "It died."
    assert "diverged" in str(reasons[2])
    assert "another network" in str(reasons[3])


def test_too_few_answers_end_the_training_with_their_reasons() -> None:
    def dies(message: Message) -> Message:
        return Message(Error(5, "It died."), reply_to=message)

    chosen = settings(2, minimum_clients=2)
    with pytest.raises(FederatedTrainingError, match=r"Only 1 clients .* It died\."):
        run_round(1, START, grid_of(learner(1.0, 1), dies), chosen, TRAINING)


def test_clients_of_a_round_are_drawn_by_the_seed() -> None:
    def asked(seed: int) -> list[tuple[int, ...]]:
        chosen = settings(5, clients_per_round=2, rounds=6)
        found: list[tuple[int, ...]] = []
        training = TrainingSettings(seed=seed)
        run_rounds(
            START,
            grid_of(*[learner(0.0, 1)] * 5),
            chosen,
            training,
            lambda result: found.append(tuple(one.number for one in result.clients)),
        )
        return found

    first = asked(1)
    assert {len(one) for one in first} == {2}
    assert len(set(first)) > 1
    assert asked(1) == first
    assert asked(2) != first


def test_rounds_go_on_from_any_of_them() -> None:
    def rounds(state: Mapping[str, torch.Tensor], first: int) -> tuple[list[int], Any]:
        told: list[int] = []
        end = run_rounds(
            state,
            grid_of(learner(1.0, 1), learner(2.0, 1)),
            settings(2, rounds=4),
            TRAINING,
            lambda result: told.append(result.number),
            first=first,
        )
        return told, end["a"].tolist()

    assert rounds(START, 1) == ([1, 2, 3, 4], [6.0, 6.0])
    assert rounds({"a": torch.full((2,), 3.0), "n": torch.tensor(0)}, 3) == ([3, 4], [6.0, 6.0])


def test_the_step_falls_over_rounds_as_the_schedule_says() -> None:
    steps = [learning_rate(TRAINING, number, 5) for number in range(1, 6)]
    expected = [0.05 * (1 + np.cos(np.pi * done / 5)) for done in range(5)]
    assert steps == pytest.approx(expected, abs=1e-6)
    constant = TrainingSettings(learning_rate=0.1, scheduler="none")
    assert {learning_rate(constant, number, 5) for number in range(1, 6)} == {0.1}


def test_values_that_make_no_training_are_refused() -> None:
    for wrong in (
        {"clients": 1},
        {"rounds": 0},
        {"clients": 2, "clients_per_round": 3},
        {"minimum_clients": 9},
        {"strategy": "median"},
        {"partition": "by hand"},
        {"alpha": 0.0},
        {"proximal_mu": -1.0},
    ):
        with pytest.raises(FederatedTrainingError, match="Nothing was started"):
            FederatedSettings.from_json(wrong)
