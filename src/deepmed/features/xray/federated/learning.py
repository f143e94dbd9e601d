"""The server's side of a federated run: rounds, what is kept of them, and the best."""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from deepmed.core.home import Home
from deepmed.features.xray.configuration.models import XrayConfig
from deepmed.features.xray.configuration.settings import (
    federated_settings,
    network_settings,
    training_settings,
)
from deepmed.features.xray.federated.dealt import Holding
from deepmed.features.xray.federated.kept import KeptRounds
from deepmed.features.xray.federated.recording import Measured, Recorder
from deepmed.features.xray.federated.taking_part import Work
from deepmed.features.xray.runs.results import Fitted, Prepared
from deepmed.features.xray.runs.sinks import kept_metrics
from deepmed.features.xray.tables import XrayRun
from deepmed.learning.classification import (
    CallbacksSetup,
    EventStream,
    ModelSetupUtils,
    RunFacts,
    TrainingCancelledError,
)
from deepmed.learning.classification.trainer import measure_network
from deepmed.learning.errors import LearningError
from deepmed.learning.federated import FederatedTrainingError
from deepmed.learning.federated.client import load_state
from deepmed.learning.federated.grid import ClientGrid
from deepmed.learning.federated.rounds import RoundResult, learning_rate, run_rounds


class Learning:
    """One run's rounds."""

    def __init__(  # noqa: PLR0917 - what a run consists of
        self,
        home: Home,
        config: XrayConfig,
        run: XrayRun,
        stream: EventStream,
        prepared: Prepared,
        holdings: Sequence[Holding],
        folder: Path,
        cancelled: Callable[[], bool],
    ) -> None:
        self._config, self._run, self._stream = config, run, stream
        self._prepared, self._holdings, self._folder = prepared, holdings, folder
        self._cancelled = cancelled
        self._settings = federated_settings(config)
        self._training = replace(training_settings(config), devices=1)
        self._recorder = Recorder(home, run.id, stream, self._settings.rounds)
        self._kept = KeptRounds(folder / "checkpoints")
        self._facts = RunFacts(run.id, run.run_description, "federated")
        weights = home.settings.weights_dir
        self._module, _ = ModelSetupUtils.build_model_and_callbacks(
            network_settings(config, len(prepared.source.classes), weights),
            self._training,
            prepared.data.class_counts,
            folder / "unused",
            EventStream([]),
        )
        exact = replace(self._training, precision="32-true")
        self._measuring = CallbacksSetup.create_trainer_from_config(exact, (), folder)
        self._progress = self._kept.progress([config.model_dump(mode="json"), prepared.plan.digest])

    def work(self) -> Work:
        """What clients are told."""
        return Work(
            self._config,
            len(self._prepared.source.classes),
            self._prepared.data.class_counts,
            self._folder,
            self._cancelled,
        )

    def begin(self) -> None:
        """Write down who takes part, and what the weights are worth before the first round."""
        done = self._progress.round
        self._recorder.clients([own.describe() for own in self._holdings], anew=not done)
        self._stream.emit(
            "training_start",
            {
                "run_id": self._run.id,
                "experiment_name": self._run.run_description,
                "max_epochs": self._settings.rounds,
                "training_mode": self._facts.training_mode,
                "client_id": None,
                "first_epoch": done + 1,
            },
        )
        if done:
            load_state(self._module, self._kept.weights(done))
        else:
            self._recorder.measured(0, self._measured())

    def learn(self, grid: ClientGrid) -> None:
        """All rounds that are left.

        Raises:
            TrainingCancelledError: somebody asked for the end.
            FederatedTrainingError: too few clients answered, or the training diverged.
        """
        try:
            run_rounds(
                dict(self._module.model.state_dict()),
                grid,
                self._settings,
                self._training,
                self._round_done,
                first=self._progress.round + 1,
                before=self._begin_round,
            )
        except LearningError as error:
            self._say_end(error)
            raise
        self._stream.emit(
            "training_end",
            {
                "run_id": self._run.id,
                "status": "completed",
                "experiment_name": self._run.run_description,
                "total_rounds": self._settings.rounds,
                "training_mode": self._facts.training_mode,
            },
        )

    def fitted(self) -> Fitted:
        """The weights of the best round, as a centralised training gives them."""
        progress = self._progress
        best = progress.best or progress.round
        load_state(self._module, self._kept.weights(best))
        network = self._module.model
        summary = {
            "best_epoch": best,
            "best_checkpoint": f"round-{best}",
            "total_epochs": progress.round,
            "monitor": self._training.monitor,
            "stopped_early": None,
            "training_seconds": progress.seconds,
            "parameters": sum(weight.numel() for weight in network.parameters()),
            "first_weights": network.weights.to_json(),
            "federated": {
                "settings": self._settings.to_json(),
                "clients": [own.describe() for own in self._holdings],
            },
        }
        return Fitted(self._module, summary, kept_metrics(self._folder))

    def _begin_round(self, number: int) -> None:
        self.work().go_on()
        text = f"Round {number} of {self._settings.rounds}: clients learn"
        self._stream.emit("status", {"status": "round", "message": text})

    def _round_done(self, result: RoundResult) -> None:
        load_state(self._module, result.state)
        found = self._measured()
        self._recorder.round_done(result)
        self._recorder.measured(result.number, found)
        self._recorder_row(result, found)
        self._progress = self._progress.with_round(
            result.number,
            found.get(self._training.monitor),
            result.seconds,
            more=self._training.mode == "max",
        )
        self._kept.keep(self._progress, self._module.model.state_dict())

    def _measured(self) -> Measured:
        loader = self._prepared.data.val_dataloader()
        found = measure_network(self._measuring, self._module, loader)
        if math.isnan(found["val_loss"]) or math.isinf(found["val_loss"]):
            raise FederatedTrainingError(
                "The training diverged: the common model's loss is no number any more. What was "
                "learned up to the round before is kept; start a new run with smaller steps."
            )
        known = {name: value for name, value in found.items() if not math.isnan(value)}
        return Measured(known, len(self._prepared.data.val_dataset))

    def _recorder_row(self, result: RoundResult, found: Measured) -> None:
        """The round as a row of the run's history, where a centralised run has an epoch."""
        number = result.number
        row: dict[str, Any] = {
            "epoch": number,
            "global_step": number,
            "timestamp": self._stream.now(),
            **{name: one for name, one in result.fit_metrics.items() if name.startswith("train_")},
            **{name: int(one) if "_cm_" in name else one for name, one in found.metrics.items()},
            "learning_rate": learning_rate(self._training, number, self._settings.rounds),
        }
        self._stream.emit(
            "epoch_end",
            {
                "epoch": number,
                "phase": "train",
                "metrics": row,
                "client_id": None,
                "round_number": number,
            },
        )

    def _say_end(self, error: LearningError) -> None:
        if isinstance(error, TrainingCancelledError):
            self._stream.emit("status", {"status": "cancelled", "message": str(error)})
        else:
            said = {"error": str(error), "error_type": type(error).__name__}
            self._stream.emit("error", said)
