import json
import time
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import safetensors.torch
import torch
from pydantic import ValidationError

from deepmed.learning.autoencoder import (
    AutoencoderModel,
    AutoencoderTrainer,
    EpochReport,
    TrainingConfig,
)
from deepmed.learning.autoencoder.trainer import validation_mask
from deepmed.learning.errors import (
    AutoencoderTrainingError,
    InsufficientDataError,
    ModelLoadingError,
)

SMALL = TrainingConfig(hidden_dims=(16, 4), epochs=30, batch_size=8)


@pytest.fixture
def rows() -> npt.NDArray[np.float32]:
    random = np.random.default_rng(0)
    wide = random.normal(size=(30, 3)) @ random.normal(size=(3, 20))
    return (wide + 0.1 * random.normal(size=wide.shape)).astype(np.float32)


def _weights(result: dict[str, Any]) -> dict[str, torch.Tensor]:
    state: dict[str, torch.Tensor] = result["model"].state_dict()
    return state


def _same(first: dict[str, Any], second: dict[str, Any]) -> bool:
    pairs = zip(_weights(first).values(), _weights(second).values(), strict=True)
    return all(torch.equal(one, other) for one, other in pairs)


@pytest.mark.req("D-8.1")
def test_training_learns_and_keeps_the_best_weights(rows: npt.NDArray[np.float32]) -> None:
    result = AutoencoderTrainer(SMALL.model_copy(update={"epochs": 200})).train(rows)
    watching = validation_mask(len(rows), SMALL)
    watched = torch.from_numpy(rows[watching])
    with torch.no_grad():
        loss = torch.nn.functional.mse_loss(result["model"](watched), watched).item()
    assert loss == pytest.approx(result["best_loss"], rel=1e-6)
    assert result["best_loss"] == result["validation_losses"][result["best_epoch"] - 1]
    assert result["best_loss"] < 0.5 * float(np.mean(rows[watching] ** 2))
    assert len(result["train_losses"]) == len(result["validation_losses"]) == result["epochs_run"]
    assert not result["model"].training


@pytest.mark.req("D-8.1")
def test_patience_ends_training_and_goes_back_to_the_best() -> None:
    noise = np.random.default_rng(1).normal(size=(20, 50))
    config = TrainingConfig(hidden_dims=(64, 16), epochs=2000, patience=10)
    result = AutoencoderTrainer(config).train(noise)
    assert result["stop_reason"] == "patience"
    assert result["epochs_run"] == result["best_epoch"] + 10
    assert result["validation_losses"][-1] > result["best_loss"]


@pytest.mark.req("D-8.1")
def test_early_stopping_watches_rows_of_the_fitting_part_alone(
    rows: npt.NDArray[np.float32],
) -> None:
    """All that training can see are the rows it is given: fit and watch rows make them up."""
    result = AutoencoderTrainer(SMALL).train(rows)
    assert result["fit_rows"] + result["validation_rows"] == len(rows)
    assert result["validation_rows"] == 6
    # A row that only watches moves no weight: with endless patience the last epoch's are the same.
    config = SMALL.model_copy(update={"patience": 1000})
    changed = rows.copy()
    changed[validation_mask(len(rows), config)] *= 1.5
    states = [AutoencoderTrainer(config).train(r)["checkpoint"] for r in (rows, changed)]
    for name in states[0]:
        if name.startswith("model."):
            assert torch.equal(states[0][name], states[1][name])


def test_a_childs_rows_fit_or_watch_together() -> None:
    children = np.repeat([f"child {number}" for number in range(10)], 3)
    watching = validation_mask(30, SMALL, children).reshape(10, 3)
    assert set(watching.sum(axis=1)) == {0, 3}
    assert watching.sum() == 6
    with pytest.raises(ValueError, match="30 embeddings"):
        validation_mask(30, SMALL, children[:-1])


@pytest.mark.parametrize("count", [2, 3, 4])
def test_with_very_few_rows_the_training_loss_is_watched(count: int) -> None:
    result = AutoencoderTrainer(SMALL).train(np.eye(count, 6))
    assert result["validation_losses"] == []
    assert result["validation_rows"] == 0
    assert result["fit_rows"] == count
    assert result["best_epoch"] > 0


@pytest.mark.req("P-13.1")
def test_same_seed_and_data_give_the_same_weights(rows: npt.NDArray[np.float32]) -> None:
    config = SMALL.model_copy(update={"input_noise": 0.1})
    torch.manual_seed(1)
    first = AutoencoderTrainer(config).train(rows)
    torch.manual_seed(2)
    before = torch.get_rng_state()
    second = AutoencoderTrainer(config).train(rows)
    assert torch.equal(torch.get_rng_state(), before), "torch's global random numbers moved"
    assert _same(first, second)
    other = AutoencoderTrainer(config.model_copy(update={"seed": 1})).train(rows)
    assert not _same(first, other)


@pytest.mark.parametrize("explode", [False, True], ids=["calm", "after a recovery"])
def test_a_resumed_run_ends_where_an_uninterrupted_one_does(
    rows: npt.NDArray[np.float32], *, explode: bool
) -> None:
    config = SMALL.model_copy(
        update={"input_noise": 0.1, "learning_rate": 0.9 if explode else 0.01}
    )
    whole = AutoencoderTrainer(config).train(rows)
    assert bool(whole["recoveries"]) is explode
    kept: list[bytes] = []
    epochs: list[int] = []
    stopped = AutoencoderTrainer(config).train(
        rows,
        progress=lambda report: epochs.append(report.epoch),
        should_stop=lambda: epochs[-1] == 7,
        on_checkpoint=lambda tensors: kept.append(safetensors.torch.save(tensors)),
        checkpoint_every=5,
    )
    assert (stopped["stop_reason"], stopped["epochs_run"], len(kept)) == ("asked", 7, 2)
    for stored in kept:
        resumed = AutoencoderTrainer(config).train(rows, checkpoint=safetensors.torch.load(stored))
        assert _same(resumed, whole)
        for name in ("train_losses", "validation_losses", "best_epoch", "recoveries", "epochs_run"):
            assert resumed[name] == whole[name]


def test_a_checkpoint_of_another_run_is_refused(rows: npt.NDArray[np.float32]) -> None:
    checkpoint = AutoencoderTrainer(SMALL).train(rows)["checkpoint"]
    other = AutoencoderTrainer(SMALL.model_copy(update={"seed": 1}))
    with pytest.raises(ModelLoadingError, match="other embeddings or other settings"):
        other.train(rows, checkpoint=checkpoint)
    with pytest.raises(ModelLoadingError, match="other embeddings or other settings"):
        AutoencoderTrainer(SMALL).train(rows + 1, checkpoint=checkpoint)


@pytest.mark.parametrize("lost", ["digest", "progress", "random", "model.encoder.0.weight"])
def test_a_damaged_checkpoint_is_refused(rows: npt.NDArray[np.float32], lost: str) -> None:
    checkpoint = AutoencoderTrainer(SMALL).train(rows)["checkpoint"]
    missing = {name: tensor for name, tensor in checkpoint.items() if name != lost}
    cut = checkpoint | {lost: checkpoint[lost][:-1]}
    for damaged in (missing, cut):
        with pytest.raises(ModelLoadingError):
            AutoencoderTrainer(SMALL).train(rows, checkpoint=damaged)


def test_progress_is_told_after_every_epoch(rows: npt.NDArray[np.float32]) -> None:
    reports: list[EpochReport] = []
    result = AutoencoderTrainer(SMALL).train(rows, reports.append)
    assert [report.epoch for report in reports] == list(range(1, result["epochs_run"] + 1))
    assert [report.train_loss for report in reports] == result["train_losses"]
    assert [report.validation_loss for report in reports] == result["validation_losses"]


def test_what_cannot_be_trained_is_refused(rows: npt.NDArray[np.float32]) -> None:
    trainer = AutoencoderTrainer(SMALL)
    with pytest.raises(InsufficientDataError):
        trainer.train(rows[:1])
    with pytest.raises(AutoencoderTrainingError, match="not finite"):
        trainer.train(np.where(rows == rows[0, 0], np.nan, rows))
    with pytest.raises(AutoencoderTrainingError, match="too large"):
        trainer.train(rows * 1e30)
    with pytest.raises(ValueError, match="shape"):
        trainer.train(rows[0])


def test_rows_that_are_all_zero_train_without_alarm() -> None:
    result = AutoencoderTrainer(TrainingConfig()).train(np.zeros((12, 30)))
    assert result["best_loss"] < 1e-2


def test_training_is_quick_on_one_core() -> None:
    random = np.random.default_rng(0)
    AutoencoderTrainer(TrainingConfig(epochs=1)).train(random.normal(size=(5, 9)))  # imports
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        for count, seconds in ((20, 1.0), (300, 3.0)):
            started = time.process_time()
            AutoencoderTrainer().train(random.normal(size=(count, 769)))
            assert time.process_time() - started < seconds
    finally:
        torch.set_num_threads(threads)


@pytest.mark.parametrize(
    "wrong",
    [
        {"epochs": 0},
        {"hidden_dims": ()},
        {"hidden_dims": (0,)},
        {"hidden_dims": (10_000,)},
        {"learning_rate": float("nan")},
        {"validation_share": 0.9},
        {"activation": "step"},
        {"device": "tpu"},
        {"seed": -1},
        {"epohcs": 3},
    ],
)
def test_wrong_settings_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        TrainingConfig(**wrong)


def test_settings_cannot_be_changed_afterwards() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        TrainingConfig().epochs = 3  # type: ignore[misc] # that it is frozen is what is tested


@pytest.mark.req("D-8.1")
def test_the_model_encodes_decodes_and_describes_itself() -> None:
    model = AutoencoderModel(769, (128, 16))
    rows = torch.randn(3, 769, generator=torch.Generator().manual_seed(0))
    code = model.encode(rows)
    assert code.shape == (3, 16)
    assert torch.equal(model.decode(code), model(rows))
    info = model.get_architecture_info()
    json.dumps(info)
    assert info["parameters"] == 769 * 128 + 128 + 128 * 16 + 16 + 16 * 128 + 128 + 128 * 769 + 769
    assert (info["input_dim"], info["latent_dim"]) == (769, 16)


def test_a_narrow_input_gets_a_narrower_bottleneck() -> None:
    assert TrainingConfig().layer_widths(8) == (128, 4)
    assert TrainingConfig().layer_widths(1) == (128, 1)


@pytest.mark.parametrize(("width", "hidden"), [(0, (4,)), (4, ()), (4, (0,))])
def test_impossible_layers_are_refused(width: int, hidden: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="widths"):
        AutoencoderModel(width, hidden)
