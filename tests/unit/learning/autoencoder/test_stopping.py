import numpy as np
import pytest
import torch
from torch import nn

from deepmed.learning.autoencoder import AutoencoderTrainer, EarlyStopping, TrainingConfig
from deepmed.learning.errors import AutoencoderTrainingError

pytestmark = pytest.mark.req("D-8.1")


@pytest.fixture
def model() -> nn.Linear:
    return nn.Linear(2, 1)


@pytest.fixture
def optimizer(model: nn.Linear) -> torch.optim.Optimizer:
    return torch.optim.AdamW(model.parameters(), lr=0.1)


def _fill(model: nn.Linear, value: float) -> None:
    with torch.no_grad():
        model.weight.fill_(value)


def test_restores_the_best_weights_not_the_last(model: nn.Linear) -> None:
    stopping = EarlyStopping(patience=3)
    for epoch, loss in enumerate([1.0, 0.4, 0.6, 0.5]):
        _fill(model, epoch)
        stopping.update(epoch, loss, model)
    stopping.restore(model)
    assert (stopping.best_epoch, stopping.best_loss) == (1, 0.4)
    assert model.weight.unique().item() == 1.0


def test_an_improvement_smaller_than_min_delta_is_none(model: nn.Linear) -> None:
    stopping = EarlyStopping(patience=2, min_delta=0.1)
    for epoch, loss in enumerate([1.0, 0.95, 0.91]):
        stopping.update(epoch, loss, model)
    assert stopping.best_epoch == 0
    assert stopping.should_stop


@pytest.mark.parametrize(
    ("loss", "exploding"),
    [(float("nan"), True), (float("inf"), True), (21.0, True), (19.0, False)],
)
def test_knows_an_explosion(model: nn.Linear, loss: float, *, exploding: bool) -> None:
    stopping = EarlyStopping(explosion_factor=10)
    stopping.update(0, 2.0, model)
    stopping.update(1, 0.1, model)
    assert stopping.is_exploding(loss) is exploding
    assert stopping.is_exploding(0.1, loss) is exploding


def test_recovery_restores_forgets_and_goes_on_more_carefully(
    model: nn.Linear, optimizer: torch.optim.Optimizer
) -> None:
    stopping = EarlyStopping(max_recoveries=2, learning_rate_factor=0.5)
    _fill(model, 1.0)
    stopping.update(0, 1.0, model)
    for rate in (0.05, 0.025):
        model(torch.ones(1, 2)).sum().backward()
        optimizer.step()
        _fill(model, float("nan"))
        stopping.recover(model, optimizer)
        assert model.weight.unique().item() == 1.0
        assert optimizer.param_groups[0]["lr"] == pytest.approx(rate)
        assert not optimizer.state
    _fill(model, float("nan"))
    with pytest.raises(AutoencoderTrainingError, match="after 2 recoveries"):
        stopping.recover(model, optimizer)
    assert model.weight.unique().item() == 1.0


def test_training_survives_an_exploding_learning_rate() -> None:
    rows = np.random.default_rng(0).normal(size=(40, 1)) * np.ones(12)
    config = TrainingConfig(hidden_dims=(32, 4), epochs=60, learning_rate=1.0, batch_size=8)
    result = AutoencoderTrainer(config).train(rows)
    assert result["recoveries"] > 0
    assert np.isfinite(result["best_loss"])
    assert result["best_loss"] <= result["checkpoint"]["progress"][2].item()
    assert all(torch.isfinite(weight).all() for weight in result["model"].state_dict().values())


def test_training_gives_up_after_its_recoveries() -> None:
    rows = np.random.default_rng(0).normal(size=(40, 1)) * np.ones(12)
    config = TrainingConfig(
        hidden_dims=(32, 4), epochs=60, learning_rate=1.0, batch_size=8, max_recoveries=0
    )
    with pytest.raises(AutoencoderTrainingError, match="diverged"):
        AutoencoderTrainer(config).train(rows)


def test_a_gradient_that_is_not_finite_makes_no_step(monkeypatch: pytest.MonkeyPatch) -> None:
    """The weights before it are kept, and training goes on from them."""
    real = torch.nn.utils.clip_grad_norm_
    calls: list[int] = []

    def spoiled(parameters: list[nn.Parameter], limit: float) -> torch.Tensor:
        calls.append(1)
        norm = real(parameters, limit)
        return norm * float("inf") if len(calls) == 3 else norm

    monkeypatch.setattr(torch.nn.utils, "clip_grad_norm_", spoiled)
    rows = np.random.default_rng(0).normal(size=(20, 6))
    config = TrainingConfig(hidden_dims=(8, 2), epochs=10, patience=100)
    result = AutoencoderTrainer(config).train(rows)
    assert result["recoveries"] == 1
    assert np.isnan(result["train_losses"][2])
    assert np.isfinite(result["best_loss"])
    assert result["epochs_run"] == 10
