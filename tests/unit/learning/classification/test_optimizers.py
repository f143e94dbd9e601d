import math

import pytest
import torch
from torch import nn

from deepmed.learning.classification import OptimizerFactory, TrainingSettings


def rates(steps: int, epochs: int = 4, **settings: object) -> list[float]:
    weights = [nn.Parameter(torch.zeros(1))]
    made = OptimizerFactory.create_configuration(
        weights,
        TrainingSettings(epochs=epochs, **settings),  # type: ignore[arg-type] # of any setting
        steps // epochs,
        steps,
    )
    found = []
    for _ in range(steps):
        found.append(made["optimizer"].param_groups[0]["lr"])
        made["optimizer"].step()
        made["lr_scheduler"]["scheduler"].step()
    return found


@pytest.mark.req("X-7.1")
@pytest.mark.parametrize(("name", "kind"), [("adamw", torch.optim.AdamW), ("sgd", torch.optim.SGD)])
def test_optimisers_are_made_by_name(name: str, kind: type[torch.optim.Optimizer]) -> None:
    settings = TrainingSettings(optimizer=name, learning_rate=0.02, weight_decay=0.03)  # type: ignore[arg-type] # a name
    made = OptimizerFactory.create_configuration([nn.Parameter(torch.zeros(1))], settings, 2, 8)
    assert type(made["optimizer"]) is kind
    group = made["optimizer"].param_groups[0]
    assert (group["lr"], group["weight_decay"]) == (0.02, 0.03)


@pytest.mark.req("X-7.1")
def test_cosine_falls_to_its_end_and_restarts_where_asked() -> None:
    whole = rates(8)
    expected = [1e-7 + (1e-3 - 1e-7) * (1 + math.cos(math.pi * step / 8)) / 2 for step in range(8)]
    assert whole == pytest.approx(expected)
    again = rates(8, restart_epochs=1)
    assert again[2] == pytest.approx(1e-3)
    assert again[1] < again[2] > again[3]


@pytest.mark.req("X-7.1")
def test_one_cycle_rises_to_the_rate_and_falls_below_its_start() -> None:
    found = rates(20, scheduler="one_cycle")
    assert max(found) == pytest.approx(1e-3, rel=0.02)
    assert found[-1] < found[0] < 1e-4


@pytest.mark.req("X-7.1")
def test_a_plateau_is_looked_for_once_an_epoch() -> None:
    settings = TrainingSettings(scheduler="plateau", plateau_patience=0, monitor="val_loss")
    made = OptimizerFactory.create_configuration([nn.Parameter(torch.zeros(1))], settings, 5, 50)
    facts = made["lr_scheduler"]
    assert (facts["interval"], facts["frequency"], facts["monitor"]) == ("step", 5, "val_loss")
    for loss in (1.0, 0.5, 0.6):
        facts["scheduler"].step(loss)
    assert made["optimizer"].param_groups[0]["lr"] == 0.0005


def test_no_schedule_is_none() -> None:
    settings = TrainingSettings(scheduler="none")
    made = OptimizerFactory.create_configuration([nn.Parameter(torch.zeros(1))], settings, 5, 50)
    assert list(made) == ["optimizer"]
