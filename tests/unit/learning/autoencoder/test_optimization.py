from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from deepmed.learning.autoencoder import AutoencoderTrainer, EpochReport, TrainingConfig
from deepmed.learning.autoencoder.optimization import (
    loss_function,
    make_optimizer,
    scheduled_share,
)

pytestmark = pytest.mark.req("D-12.1")

ROWS = np.random.default_rng(0).normal(size=(24, 2)) @ np.random.default_rng(1).normal(size=(2, 8))
SMALL: dict[str, Any] = {"hidden_dims": (8, 2), "epochs": 6, "batch_size": 8, "patience": 100}


def rates(config: TrainingConfig) -> list[float]:
    reports: list[EpochReport] = []
    AutoencoderTrainer(config).train(ROWS, reports.append)
    return [report.learning_rate for report in reports]


@pytest.mark.parametrize("name", ["step", "cosine", "exponential"])
def test_step_sizes_are_those_of_torchs_own_schedulers(name: str) -> None:
    config = TrainingConfig.model_validate(
        {**SMALL, "scheduler": name, "scheduler_step": 2, "scheduler_gamma": 0.3}
    )
    optimizer = make_optimizer(config, nn.Linear(1, 1).parameters())
    schedulers = {
        "step": lambda: torch.optim.lr_scheduler.StepLR(optimizer, 2, 0.3),
        "cosine": lambda: torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, config.epochs),
        "exponential": lambda: torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.3),
    }
    scheduler, expected = schedulers[name](), []
    for _ in range(config.epochs):
        expected.append(scheduler.get_last_lr()[0])
        optimizer.step()
        scheduler.step()
    assert rates(config) == pytest.approx(expected)


def test_without_a_schedule_the_step_size_stays() -> None:
    assert set(rates(TrainingConfig(**SMALL))) == {2e-3}
    assert scheduled_share(TrainingConfig(), 100) == 1


def test_a_recovery_lowers_a_scheduled_step_size_too(monkeypatch: pytest.MonkeyPatch) -> None:
    real, calls = torch.nn.utils.clip_grad_norm_, []

    def spoiled(parameters: list[nn.Parameter], limit: float) -> torch.Tensor:
        calls.append(1)
        return real(parameters, limit) * (float("inf") if len(calls) == 4 else 1)

    monkeypatch.setattr(torch.nn.utils, "clip_grad_norm_", spoiled)
    config = TrainingConfig(**SMALL, scheduler="exponential", scheduler_gamma=0.5)
    # Two batches an epoch: the second epoch's second step explodes.
    later = [2e-3 * 0.5 ** (epoch - 1) * 0.3 for epoch in (3, 4, 5, 6)]
    assert rates(config)[2:] == pytest.approx(later)


@pytest.mark.parametrize(
    ("name", "kind"),
    [("adamw", torch.optim.AdamW), ("adam", torch.optim.Adam), ("sgd", torch.optim.SGD)],
)
def test_the_optimiser_is_the_one_that_was_asked_for(
    name: str, kind: type[torch.optim.Optimizer]
) -> None:
    config = TrainingConfig.model_validate(
        {"optimizer": name, "learning_rate": 0.25, "weight_decay": 0.5, "momentum": 0.75}
    )
    optimizer = make_optimizer(config, nn.Linear(1, 1).parameters())
    assert type(optimizer) is kind
    group = optimizer.param_groups[0]
    assert (group["lr"], group["weight_decay"]) == (0.25, 0.5)
    assert group.get("momentum", 0.75) == 0.75


def test_each_optimiser_schedule_and_loss_makes_other_weights() -> None:
    settings: list[dict[str, Any]] = [
        {},
        {"optimizer": "adam", "weight_decay": 0.1},
        {"optimizer": "sgd"},
        {"optimizer": "sgd", "momentum": 0.0},
        {"scheduler": "cosine"},
        {"scheduler": "exponential"},
        {"scheduler": "step", "scheduler_step": 2},
        {"loss": "mae"},
        {"loss": "huber"},
    ]
    made = set()
    for given in settings:
        model = AutoencoderTrainer(TrainingConfig.model_validate(SMALL | given)).train(ROWS)[
            "model"
        ]
        made.add(model.encoder[0].weight.detach().numpy().tobytes())
    assert len(made) == len(settings)


@pytest.mark.parametrize("name", ["mse", "mae", "huber"])
def test_losses_are_what_their_names_say(name: str) -> None:
    made, wanted = torch.tensor([0.0, 0.5, 3.0]), torch.tensor([0.0, 0.0, 0.0])
    elements = {
        "mse": [0, 0.25, 9],
        "mae": [0, 0.5, 3],
        "huber": [0, 0.5 * 0.25, 3 - 0.5],
    }
    loss = loss_function(name)(made, wanted)  # type: ignore[arg-type] # a name from the table above
    assert float(loss) == pytest.approx(np.mean(elements[name]))


@pytest.mark.parametrize("optimizer", ["adamw", "adam", "sgd"])
@pytest.mark.parametrize("scheduler", ["none", "cosine"])
def test_a_resumed_training_ends_with_the_same_weights(optimizer: str, scheduler: str) -> None:
    config = TrainingConfig.model_validate(
        {**SMALL, "optimizer": optimizer, "scheduler": scheduler, "input_noise": 0.1}
    )
    kept: list[dict[str, torch.Tensor]] = []
    whole = AutoencoderTrainer(config).train(ROWS, on_checkpoint=kept.append, checkpoint_every=3)
    resumed = AutoencoderTrainer(config).train(ROWS, checkpoint=kept[0])
    for name, value in whole["model"].state_dict().items():
        assert torch.equal(value, resumed["model"].state_dict()[name])
    assert resumed["train_losses"] == whole["train_losses"]
