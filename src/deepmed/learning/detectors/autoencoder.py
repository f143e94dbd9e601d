"""How badly a network that has only seen typical drawings rebuilds this one."""

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt
import torch
from scipy.special import expit
from torch import Tensor

from deepmed.learning.autoencoder import (
    AutoencoderModel,
    AutoencoderTrainer,
    EpochReport,
    TrainingConfig,
)
from deepmed.learning.detectors.base import RowScorer, StandardizedDetector, require
from deepmed.learning.detectors.record import ArraySpec
from deepmed.learning.detectors.standardization import FloatArray

_ACTIVATIONS: dict[str, Callable[[FloatArray], FloatArray]] = {
    "silu": lambda values: values * expit(values),
    "relu": lambda values: np.maximum(values, 0.0),
    "tanh": np.tanh,
}
_HALVES = ("encoder", "decoder")
# What of a training result is stored; the seconds are not, equal runs give equal files.
_HISTORY = (
    "train_losses",
    "validation_losses",
    "best_epoch",
    "best_loss",
    "epochs_run",
    "recoveries",
    "stop_reason",
    "fit_rows",
    "validation_rows",
)


class AutoencoderDetector(StandardizedDetector):
    """Mean squared reconstruction error of an autoencoder on the standardised embedding.

    The weights are trained and stored in float32; the score runs the network in float64. The
    error is never divided by the length of the input: that would hide a page full of ink.

    Args:
        config: Settings of the training, or a dict of them; the defaults when None.
        seed: Seed of the training; when None, the one in ``config``.

    Attributes:
        weights_: The network's parameters by name, float32.
        training_: Losses per epoch, best epoch and reason of the end.

    Example:
        >>> rows = np.random.default_rng(0).normal(size=(40, 1)) * np.ones(6)
        >>> detector = AutoencoderDetector(TrainingConfig(epochs=80), seed=1).fit(rows)
        >>> along, across = detector.score_samples([[1.0] * 6, [1.0, -1.0] * 3])
        >>> bool(across > along)
        True
    """

    name: ClassVar[str] = "autoencoder"

    weights_: dict[str, npt.NDArray[np.float32]]
    training_: dict[str, Any]

    def __init__(
        self, config: TrainingConfig | Mapping[str, Any] | None = None, seed: int | None = None
    ) -> None:
        self.config = config
        self.seed = seed

    def fit(
        self,
        X: npt.ArrayLike,  # noqa: N803 - scikit-learn's contract names it X
        y: object = None,
        *,
        children: Sequence[Any] | npt.NDArray[Any] | None = None,
        slots: int = 0,
        validation: npt.ArrayLike | None = None,
        progress: Callable[[EpochReport], None] | None = None,
        should_stop: Callable[[], bool] | None = None,
        checkpoint: dict[str, Tensor] | None = None,
        on_checkpoint: Callable[[dict[str, Tensor]], None] | None = None,
        trainer: AutoencoderTrainer | None = None,
    ) -> Self:
        """Learn what is typical; see ``AutoencoderTrainer.train`` for the further arguments.

        Validation rows are given as ``X`` is, and standardised by what ``X`` says; `trainer` is
        one with this detector's config, such as ``EnhancedAutoencoderTrainer``.

        Raises:
            ValueError: The trainer has another config.
        """
        if trainer is not None and trainer.config != self._config():
            raise ValueError("The trainer's config is not this detector's.")
        self._trainer = trainer or AutoencoderTrainer(self._config())
        self._validation = validation
        self._watchers: dict[str, Any] = {
            "progress": progress,
            "should_stop": should_stop,
            "checkpoint": checkpoint,
            "on_checkpoint": on_checkpoint,
        }
        try:
            return super().fit(X, y, children=children, slots=slots)
        finally:
            # Callbacks hold files and connections of the job; a fitted detector keeps none.
            del self._watchers, self._trainer, self._validation

    def network(self) -> AutoencoderModel:
        """The trained network in float32, for export; it expects standardised embeddings."""
        config = self._config()
        model = AutoencoderModel(
            self.n_features_in_, config.layer_widths(self.n_features_in_), config.activation
        )
        state = {name: torch.from_numpy(array.copy()) for name, array in self.weights_.items()}
        model.load_state_dict(state)
        return model.eval()

    def _config(self) -> TrainingConfig:
        config = TrainingConfig.model_validate({} if self.config is None else self.config)
        return config if self.seed is None else config.model_copy(update={"seed": self.seed})

    def _check_parameters(self) -> None:
        self._config()
        require(self.seed is None or self.seed >= 0, f"seed must not be negative, got {self.seed}.")

    def _fit_standardized(
        self, rows: FloatArray, children: Sequence[Any] | npt.NDArray[Any] | None
    ) -> None:
        watching = self._validation
        if watching is not None:
            watching = self.standardization_.apply(np.asarray(watching, dtype=np.float64))
        result = self._trainer.train(rows, children=children, validation=watching, **self._watchers)
        state = result["model"].state_dict()
        self.weights_ = {name: value.numpy().copy() for name, value in state.items()}
        self.training_ = {name: result[name] for name in _HISTORY}

    def _row_scorer(self) -> RowScorer:
        activation = _ACTIVATIONS[self._config().activation]
        halves = [
            [(weight.astype(np.float64), bias.astype(np.float64)) for weight, bias in half]
            for half in self._halves()
        ]

        def score(row: FloatArray) -> float:
            values = row
            for half in halves:
                for index, (weight, bias) in enumerate(half):
                    values = weight @ (activation(values) if index else values) + bias
            return float(np.mean((values - row) ** 2))

        return score

    def _score_standardized_tensor(self, rows: Tensor) -> Tensor:
        network = self.network().to(rows.device, torch.float64)
        # The gradient is wanted for the row, never for the weights.
        network.requires_grad_(False)
        errors: Tensor = (network(rows) - rows) ** 2
        return errors.mean(dim=1)

    def _halves(self) -> list[list[tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]]]:
        """Weights and biases of the encoder's and of the decoder's layers, in order."""
        weights, depth = self.weights_, len(self._config().hidden_dims)
        names = [[f"{half}.{2 * layer}" for layer in range(depth)] for half in _HALVES]
        return [[(weights[f"{n}.weight"], weights[f"{n}.bias"]) for n in half] for half in names]

    def _parameters(self) -> dict[str, Any]:
        config = self._config()
        return {"config": config.model_dump(mode="json"), "seed": config.seed}

    def _architecture(self) -> dict[str, Any]:
        return self.network().get_architecture_info()

    def _training(self) -> dict[str, Any]:
        return self.training_

    def _take_training(self, training: Mapping[str, Any]) -> None:
        self.training_ = dict(training)

    def _learned_specs(self) -> dict[str, ArraySpec]:
        widths = (self.n_features_in_, *self._config().layer_widths(self.n_features_in_))
        return _layer_specs("encoder", widths) | _layer_specs("decoder", widths[::-1])

    def _learned_arrays(self) -> dict[str, npt.NDArray[Any]]:
        return dict(self.weights_)

    def _take_learned_arrays(self, arrays: Mapping[str, npt.NDArray[Any]]) -> None:
        self.weights_ = dict(arrays)


def _layer_specs(half: str, widths: tuple[int, ...]) -> dict[str, ArraySpec]:
    """Weights and biases of one half, named as torch names them (every other module is linear)."""
    specs = {}
    for layer, (inputs, outputs) in enumerate(pairwise(widths)):
        specs[f"{half}.{2 * layer}.weight"] = ArraySpec("float32", (outputs, inputs))
        specs[f"{half}.{2 * layer}.bias"] = ArraySpec("float32", (outputs,))
    return specs
