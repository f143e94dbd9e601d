import itertools

import numpy as np
import pytest
import torch

from deepmed.learning.autoencoder import AutoencoderTrainer, TrainingConfig
from deepmed.learning.autoencoder.enhanced import EnhancedAutoencoderTrainer
from deepmed.learning.autoencoder.monitoring import (
    TrainingProgress,
    TrainingProgressError,
    TrainingProgressMonitor,
)
from deepmed.learning.detectors import AutoencoderDetector
from deepmed.learning.errors import AutoencoderTrainingError

pytestmark = pytest.mark.req("D-12.1")

ROWS = np.random.default_rng(0).normal(size=(20, 6))
OTHERS = np.random.default_rng(1).normal(size=(7, 6))
CONFIG = TrainingConfig(hidden_dims=(8, 2), epochs=4, batch_size=8)


class TestTrainer:
    def test_it_makes_the_very_weights_of_the_plain_trainer(self) -> None:
        plain = AutoencoderTrainer(CONFIG).train(ROWS, validation=OTHERS)
        watched = EnhancedAutoencoderTrainer(CONFIG).train(ROWS, validation=OTHERS)
        for name, value in plain["model"].state_dict().items():
            assert torch.equal(value, watched["model"].state_dict()[name])

    def test_given_validation_rows_alone_watch(self) -> None:
        result = EnhancedAutoencoderTrainer(CONFIG).train(ROWS, validation=OTHERS)
        assert (result["fit_rows"], result["validation_rows"]) == (20, 7)
        model = result["model"]
        with torch.no_grad():
            rows = torch.from_numpy(OTHERS.astype(np.float32))
            errors = ((model(rows) - rows) ** 2).mean(dim=1).numpy()
        found = result["metrics"]["validation"]
        assert found["mean"] == pytest.approx(errors.mean(), rel=1e-5)
        assert found["median"] == pytest.approx(np.median(errors), rel=1e-5)
        assert found["percentile_95"] == pytest.approx(np.percentile(errors, 95), rel=1e-5)
        assert result["best_loss"] == pytest.approx(errors.mean(), rel=1e-5)

    def test_nothing_of_the_validation_rows_reaches_the_weights(self) -> None:
        config = CONFIG.model_copy(update={"patience": 100, "epochs": 3})
        one = EnhancedAutoencoderTrainer(config).train(ROWS, validation=OTHERS)
        other = EnhancedAutoencoderTrainer(config).train(ROWS, validation=OTHERS * 3)
        assert one["train_losses"] == other["train_losses"]
        assert one["validation_losses"] != other["validation_losses"]

    def test_every_batch_and_epoch_is_told(self) -> None:
        monitor = TrainingProgressMonitor(CONFIG.epochs)
        told: list[TrainingProgress] = []
        monitor.add_callback(told.append)
        result = EnhancedAutoencoderTrainer(CONFIG, monitor).train(ROWS, validation=OTHERS)
        assert [one["train_loss"] for one in result["history"]] == result["train_losses"]
        assert [one["val_loss"] for one in result["history"]] == result["validation_losses"]
        steps = [(one.epoch, one.batch, one.total_batches) for one in told]
        # The start, three batches and the end of each epoch.
        assert steps == [(e, b, 3) for e in range(1, 5) for b in (0, 1, 2, 3, 3)]
        assert told[-1].epoch_progress == 100

    def test_what_a_callback_raises_ends_the_training(self) -> None:
        monitor = TrainingProgressMonitor(CONFIG.epochs)

        def refuse(progress: TrainingProgress) -> None:
            if progress.epoch == 2:
                raise KeyboardInterrupt

        monitor.add_callback(refuse)
        with pytest.raises(KeyboardInterrupt):
            EnhancedAutoencoderTrainer(CONFIG, monitor).train(ROWS)
        assert len(monitor.get_history()) == 1

    def test_an_epoch_whose_first_step_explodes_is_noted(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        real, calls = torch.nn.utils.clip_grad_norm_, itertools.count(1)
        monkeypatch.setattr(
            torch.nn.utils,
            "clip_grad_norm_",
            lambda *given: real(*given) * (float("inf") if next(calls) == 4 else 1),
        )
        trainer = EnhancedAutoencoderTrainer(CONFIG)
        trainer.train(ROWS)
        assert [one["epoch"] for one in trainer.monitor.get_history()] == [1, 2, 3, 4]

    def test_validation_rows_of_another_width_are_refused(self) -> None:
        with pytest.raises(ValueError, match="shape"):
            EnhancedAutoencoderTrainer(CONFIG).train(ROWS, validation=OTHERS[:, :3])
        with pytest.raises(AutoencoderTrainingError, match="not finite"):
            EnhancedAutoencoderTrainer(CONFIG).train(ROWS, validation=OTHERS * np.nan)

    def test_without_validation_rows_the_training_loss_watches(self) -> None:
        result = EnhancedAutoencoderTrainer(CONFIG).train(ROWS, validation=OTHERS[:0])
        assert (result["fit_rows"], result["validation_losses"]) == (20, [])
        assert result["metrics"]["validation"] == {"rows": 0} | dict.fromkeys(
            ("mean", "median", "std", "min", "max", "percentile_95")
        )


class TestDetector:
    def test_validation_rows_are_standardised_by_the_fitting_rows(self) -> None:
        given = AutoencoderDetector(CONFIG).fit(ROWS * 100, validation=OTHERS * 100)
        scores = given.score_samples(OTHERS * 100)
        assert given.training_["best_loss"] == pytest.approx(scores.mean(), rel=1e-4)
        assert given.standardization_.mean == pytest.approx((ROWS * 100).mean(axis=0))

    def test_it_is_fitted_by_a_trainer_of_its_own_config_alone(self) -> None:
        trainer = EnhancedAutoencoderTrainer(CONFIG)
        AutoencoderDetector(CONFIG).fit(ROWS, trainer=trainer)
        assert len(trainer.monitor.get_history()) == 4
        with pytest.raises(ValueError, match="config"):
            AutoencoderDetector().fit(ROWS, trainer=trainer)


class TestMonitor:
    def monitor(self, *seconds: float) -> TrainingProgressMonitor:
        return TrainingProgressMonitor(10, iter(seconds).__next__)

    def test_what_remains_if_all_epochs_run_as_fast(self) -> None:
        monitor = self.monitor(0, 0, 5)
        monitor.start_epoch(1, 4)
        latest = monitor.get_latest_progress()
        assert latest is not None
        assert latest.estimated_remaining is None
        monitor.update_batch(2, 0.5, 0.1)
        latest = monitor.get_latest_progress()
        assert latest is not None
        assert latest.elapsed_time == 5
        assert latest.estimated_remaining == pytest.approx(5 / 0.5 * 9.5)
        assert (latest.epoch_progress, latest.batch_progress) == (5, 50)

    def test_a_resumed_training_is_estimated_from_where_it_began(self) -> None:
        monitor = self.monitor(0, 0, 3)
        monitor.start_epoch(8, 1)
        monitor.update_batch(1, 0.5, 0.1)
        latest = monitor.get_latest_progress()
        assert latest is not None
        assert latest.estimated_remaining == pytest.approx(3 * 2)

    def test_a_loss_that_exploded_is_none_in_json(self) -> None:
        monitor = self.monitor(0, 0, 1)
        monitor.start_epoch(1, 1)
        monitor.update_epoch(1, float("nan"), float("inf"))
        latest = monitor.get_latest_progress()
        assert latest is not None
        told = latest.to_dict()
        assert (told["train_loss"], told["val_loss"]) == (None, None)

    def test_after_stop_nobody_is_told(self) -> None:
        monitor = self.monitor(0, 0, 1)
        told: list[TrainingProgress] = []
        monitor.add_callback(told.append)
        monitor.start_epoch(1, 1)
        monitor.stop()
        monitor.update_batch(1, 0.5, 0.1)
        assert len(told) == 1

    def test_an_order_that_no_training_has(self) -> None:
        monitor = self.monitor(*range(9))
        with pytest.raises(TrainingProgressError):
            monitor.update_batch(1, 0.5, 0.1)
        monitor.start_epoch(2, 1)
        for wrong in (
            lambda: monitor.start_epoch(2, 1),
            lambda: monitor.start_epoch(3, 0),
            lambda: monitor.update_batch(2, 0.5, 0.1),
            lambda: monitor.update_epoch(3, 0.5, None),
        ):
            with pytest.raises(TrainingProgressError):
                wrong()
