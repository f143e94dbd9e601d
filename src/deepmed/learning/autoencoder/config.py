"""What a training run of the autoencoder may be told."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from deepmed.learning.autoencoder.model import Activation

LayerWidth = Annotated[int, Field(ge=1, le=8192)]
Optimizer = Literal["adamw", "adam", "sgd"]
Scheduler = Literal["none", "step", "cosine", "exponential"]
Loss = Literal["mse", "mae", "huber"]


class TrainingConfig(BaseModel):
    """Settings of one training run, checked when they are made and never changed afterwards.

    The defaults are for 10 to 500 embeddings of some 769 dimensions on one CPU core.

    Attributes:
        hidden_dims: Widths of the encoder's layers, outermost first, the last one being the
            bottleneck; the decoder mirrors them.
        activation: Non-linearity between layers.
        learning_rate: Step size at the start; the schedule and every recovery lower it.
        batch_size: Rows a step; fewer rows than this are one batch.
        epochs: Most passes over the rows.
        patience: Epochs without improvement after which training ends.
        min_delta: Improvement of the loss that counts as one (standardised inputs have a mean
            squared error near 1 before training).
        weight_decay: Decoupled from the step in AdamW, part of the gradient in the others.
        optimizer: ``adamw``, ``adam`` or ``sgd`` (stochastic gradient descent).
        momentum: Of ``sgd``; the others have their own.
        scheduler: How the step size falls over the epochs: not at all, in steps, along half a
            cosine down to nearly zero at the last epoch, or by the same factor every epoch.
        scheduler_step: Epochs between two falls of ``step``.
        scheduler_gamma: Factor of each fall of ``step`` and ``exponential``.
        loss: What training lowers, an element: squared error, absolute error, or Huber's, squared
            below one unit and absolute beyond. Scores are squared errors whatever was lowered.
        validation_share: Share of the rows (of the children where they are known) that only
            watches. It comes out of the fitting rows; with fewer than five there is none and
            the training loss is watched.
        gradient_clip: Largest norm of the whole gradient.
        input_noise: Standard deviation of Gaussian noise added to the inputs while training, in
            units of the standardised inputs; 0 adds none.
        max_recoveries: Explosions of the loss that are recovered from before giving up.
        seed: Seed of the weights, of the validation rows, of the order and of the noise.
        device: Where to train. The CPU by default: a network of this size is trained there before
            its rows have travelled elsewhere, and to the same weights on every machine's CPU of
            that model.

    Raises:
        pydantic.ValidationError: A value is outside its range, or a name is unknown. It is a
            ``ValueError``.

    Example:
        >>> TrainingConfig(hidden_dims=(32, 8), epochs=50).layer_widths(769)
        (32, 8)
        >>> TrainingConfig(epochs=0)
        Traceback (most recent call last):
        ...
        pydantic_core._pydantic_core.ValidationError: 1 validation error for TrainingConfig...
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    hidden_dims: Annotated[tuple[LayerWidth, ...], Field(min_length=1, max_length=8)] = (128, 16)
    activation: Activation = "silu"
    learning_rate: Annotated[float, Field(gt=0, le=1)] = 2e-3
    batch_size: Annotated[int, Field(ge=1)] = 64
    epochs: Annotated[int, Field(ge=1, le=100_000)] = 150
    patience: Annotated[int, Field(ge=1)] = 15
    min_delta: Annotated[float, Field(ge=0)] = 1e-4
    weight_decay: Annotated[float, Field(ge=0, le=1)] = 1e-4
    validation_share: Annotated[float, Field(ge=0, le=0.5)] = 0.2
    gradient_clip: Annotated[float, Field(gt=0)] = 5.0
    input_noise: Annotated[float, Field(ge=0, le=10)] = 0.0
    max_recoveries: Annotated[int, Field(ge=0)] = 3
    optimizer: Optimizer = "adamw"
    momentum: Annotated[float, Field(ge=0, lt=1)] = 0.9
    scheduler: Scheduler = "none"
    scheduler_step: Annotated[int, Field(ge=1)] = 30
    scheduler_gamma: Annotated[float, Field(gt=0, le=1)] = 0.5
    loss: Loss = "mse"
    seed: Annotated[int, Field(ge=0)] = 0
    device: Literal["auto", "cpu", "cuda", "mps"] = "cpu"

    def layer_widths(self, input_dim: int) -> tuple[int, ...]:
        """Widths of the encoder's layers for inputs of ``input_dim`` dimensions.

        A bottleneck as wide as its input could copy everything, unusual inputs too; it is held
        to half of the input's width.
        """
        return (*self.hidden_dims[:-1], min(self.hidden_dims[-1], max(1, input_dim // 2)))
